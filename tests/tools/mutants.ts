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

export const MUTANTS: readonly NamedMutant[] = [
  {
    name: "what changes nothing answers for what this process wrote last, not for what is there",
    file: "lib/state/kv_atomic_values.ts",
    search: "return isRead ? settle : undefined;",
    replace: "return settle;",
    tests: ["tests/state/kv_store_test.ts"],
  },
  {
    name: "a sweep takes loose parts at once, without a writer's ten minutes",
    file: "lib/state/kv_blobs.ts",
    search: "if (since > 0 && since + GRACE_MS > this.#clock.nowMs()) continue;",
    replace: "if (since > this.#clock.nowMs()) continue;",
    tests: ["tests/state/kv_blobs_test.ts"],
  },
  {
    name: "who comes back first from a shared outage takes the others for dead",
    file: "lib/sessions/instance_registry.ts",
    search: "else if (this.#stableSinceMs === Infinity) seen.changedAtMs = now;",
    replace: "",
    tests: ["tests/sessions/sessions_test.ts"],
  },
  {
    name: "sessions whose write failed are never written",
    file: "lib/sessions/session_pool.ts",
    search: "if (this.#local.has(sid)) this.#unwritten.add(sid);",
    replace: "this.#local.has(sid);",
    tests: ["tests/sessions/sessions_test.ts"],
  },
  {
    name: "roles change though the lock was lost meanwhile",
    file: "lib/users/user_store.ts",
    search: "if (!lock || await lock.renew()) return;",
    replace: "return;",
    tests: ["tests/users/user_store_test.ts"],
  },
  {
    name: "a change of access during a join is forgotten",
    file: "lib/realtime/channel_rooms.ts",
    search:
      "if (userId === undefined || entering.userId === userId) entering.changed.add(channelId);",
    replace: "entering.userId;",
    tests: ["tests/realtime/channel_rooms_test.ts"],
  },
  {
    name: "an access change while a token is verified is not asked about",
    file: "lib/realtime/connections.ts",
    search: "if (this.#verifiedIn.get(session) !== this.#accessEpoch) {",
    replace: "if (this.#verifiedIn.get(session) === undefined) {",
    tests: ["tests/realtime/connections_test.ts"],
  },
  {
    name: "what is sent again is in the order of the failures, not of the sending",
    file: "lib/bus/send_queue.ts",
    search: "this.#failed.splice(0).sort((a, b) => a.seq - b.seq);",
    replace: "this.#failed.splice(0);",
    tests: ["tests/bus/reliable_transport_test.ts"],
  },
  {
    name: "a log is cleared though the document's lock was lost meanwhile",
    file: "lib/documents/document_registry.ts",
    search: "if (!(await isOurs())) return false;",
    replace: "await isOurs();",
    tests: ["tests/documents/document_registry_test.ts"],
  },
  {
    name: "the state of a save is not kept beside the note",
    file: "lib/documents/note_record.ts",
    search: "    await this.#keep(state);\n    return state.length;",
    replace: "    return state.length;",
    tests: ["tests/documents/lessons_test.ts", "tests/documents/write_text_test.ts"],
  },
  {
    name: "a state that was written anew replaces more than it says",
    file: "lib/documents/remembered_state.ts",
    search: "this.#since.splice(0, covered - this.#renewed);",
    replace: "this.#since.splice(0);",
    tests: ["tests/documents/weighed_doc_test.ts"],
  },
  {
    name: "what a transaction has taken before a large update is not in what was written",
    file: "lib/documents/remembered_state.ts",
    search: "if (!this.#isTouched && this",
    replace: "if (this",
    tests: ["tests/documents/weighed_doc_test.ts"],
  },
  {
    name: "a provider believes after a reconnect that it has joined",
    file: "lib/client/document_provider.ts",
    search: "  #lost(): void {\n    this.#isJoined = false;",
    replace: "  #lost(): void {",
    tests: ["tests/client/document_provider_test.ts"],
  },
  {
    name: "who may only read a channel reacts in it",
    file: "lib/channels/conversation.ts",
    search:
      "const channel = await this.#channels.enterToWrite(user, channelId);\n    const reaction",
    replace: "const channel = await this.#channels.enter(user, channelId);\n    const reaction",
    tests: ["tests/channels/roles_test.ts"],
  },
  {
    name: "client: who leaves a note while it is joined throws out the one who comes",
    file: "lib/client/document_membership.ts",
    search: "if (this.#peers.size > 0 || this.#joining > 0 || !this.#isJoined) return;",
    replace: "if (!this.#isJoined) return;",
    tests: ["tests/client/document_provider_test.ts"],
  },
  {
    name: "client: who is no member any more is refused for good",
    file: "lib/client/document_provider.ts",
    search: 'return isClientError(thrown, "forbidden") && !this.#hasRejoined && !this.#isEnded;',
    replace: "return thrown === undefined;",
    tests: ["tests/client/document_provider_test.ts"],
  },
  {
    name: "client: what was too large is never tried again",
    file: "lib/client/document_provider.ts",
    search: "if (length < this.#refusedBytes) this.retry();",
    replace: "if (length < 0) this.retry();",
    tests: ["tests/client/document_provider_test.ts"],
  },
  {
    name: "client: a list changes the object that it has shown",
    file: "lib/client/store.ts",
    search: "    this.#snapshot = snapshot;\n    this.#listeners.tell();",
    replace: "    Object.assign(this.#snapshot as object, snapshot);\n    this.#listeners.tell();",
    tests: ["tests/client/snapshots_test.ts"],
  },
  {
    name: "client: the first follower that leaves silences the others",
    file: "lib/client/chat_hub.ts",
    search: "if (--stream.followers > 0) return;",
    replace: "stream.followers--;",
    tests: ["tests/client/ask_test.ts"],
  },
  {
    name: "client: a listener that throws skips all later ones",
    file: "lib/client/listeners.ts",
    search: "attempt(() => listener(value));",
    replace: "listener(value);",
    tests: ["tests/client/faults_test.ts"],
  },
  {
    name: "client: a page of HTML is an answer",
    file: "lib/client/api.ts",
    search: 'if (body !== undefined || text === "") return body;',
    replace: "if (ok) return body;",
    tests: ["tests/client/faults_test.ts"],
  },
  {
    name: "client: a time-out is a missing server",
    file: "lib/client/api.ts",
    search: "if (late.aborted) {",
    replace: "if (late.aborted && signal) {",
    tests: ["tests/client/faults_test.ts"],
  },
  {
    name: "client: a token that has ended is a wrong one",
    file: "lib/openwebui/tokens.ts",
    search: "throw cause instanceof errors.JWTExpired ? expired(cause) : notCounting(cause);",
    replace: "throw notCounting(cause);",
    tests: ["tests/openwebui/tokens_test.ts"],
  },
  {
    name: "client: who can't sign in beside an Open WebUI is not told why",
    file: "lib/realtime/dispatcher.ts",
    search: 'if (!ack || (this.#isEmpty && name === "user-join")) {',
    replace: "if (!ack) {",
    tests: ["tests/drop_in/sessions_test.ts"],
  },
  {
    name: "client: a stop looks like a crash",
    file: "lib/client/answer.ts",
    search: 'return outcome.stopped ? "stopped" : outcome.interrupted ? "crashed" : "done";',
    replace: 'return outcome.interrupted ? "crashed" : "done";',
    tests: ["tests/client/answer_test.ts"],
  },
  {
    name: "client: an answer of which nothing is heard is not asked about",
    file: "lib/client/answer_stream.ts",
    search: 'else if (this.#connection.status.state === "online") void this.resume();',
    replace: "else return;",
    tests: ["tests/client/snapshots_test.ts"],
  },
  {
    name: "client: a reader over HTTP reads on for five seconds after their access has ended",
    file: "lib/completions/answer_events.ts",
    search: "if (isInDoubt() || now - checkedAt > CHECK_MS) {",
    replace: "if (now - checkedAt > CHECK_MS) {",
    tests: ["tests/e2e/answer_stream_test.ts"],
  },
];
