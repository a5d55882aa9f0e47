/** Changes to the code that once no test noticed (lesson M). */
export interface NamedMutant {
  name: string;
  file: string;
  /** Stands in the file once. */
  search: string;
  replace: string;
  /** Files or folders of tests, of which one must fail. */
  tests: readonly string[];
}

export const MUTANTS: readonly NamedMutant[] = [{
  name: "what is sent again is in the order of the failures, not of the sending",
  file: "lib/bus/send_queue.ts",
  search: "this.#failed.splice(0).sort((a, b) => a.seq - b.seq);",
  replace: "this.#failed.splice(0);",
  tests: ["tests/bus/reliable_transport_test.ts"],
}, {
  name: "a log is cleared though the document's lock was lost meanwhile",
  file: "lib/documents/document_registry.ts",
  search: "if (!(await isOurs())) return false;",
  replace: "await isOurs();",
  tests: ["tests/documents/"],
}, {
  name: "the state of a save is not kept beside the note",
  file: "lib/documents/note_record.ts",
  search: "    await this.#keep(state);\n  }\n\n  async differs",
  replace: "  }\n\n  async differs",
  tests: ["tests/documents/"],
}, {
  name: "a provider believes after a reconnect that it has joined",
  file: "lib/client/document_provider.ts",
  search: "  #lost(): void {\n    this.#isJoined = false;",
  replace: "  #lost(): void {",
  tests: ["tests/client/document_provider_test.ts"],
}, {
  name: "who may only read a channel reacts in it",
  file: "lib/channels/conversation.ts",
  search: "const channel = await this.#channels.enterToWrite(user, channelId);\n    const reaction",
  replace: "const channel = await this.#channels.enter(user, channelId);\n    const reaction",
  tests: ["tests/channels/"],
}];
