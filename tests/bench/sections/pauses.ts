/** How long others wait while an ordinary user does something large: the longest pause of the event loop. */
import { join } from "node:path";
import { until } from "../../support/until.ts";
import { type Editor, openWithAttachments } from "../load/editors.ts";
import { SECRET_KEY, type Tokens } from "../load/tokens.ts";
import { extentOf, Writer } from "../load/writer.ts";
import { pause } from "../measure/pause.ts";
import { ServerProcess } from "../measure/server_process.ts";
import type { Figure, Section } from "./section.ts";

const ROUNDS = 2;
const MESSAGES = 10_000;
/** Of a message: ten thousand of them are some 10 MB of JSON. */
const WORDS = "Every message says something, and not too little. ".repeat(18);
const LONG_TEXT = "word ".repeat(1_600_000);
/** Five megabytes of paragraphs. */
const NOTE = `${"A paragraph says something, and more. ".repeat(8)}\n\n`.repeat(17_000);
/** The same, with a hundred paragraphs changed; a change of all of them is refused. */
const CHANGED = NOTE.slice(0, 30_000).replaceAll("more", "new") + NOTE.slice(30_000);
/** Edits of a document; so many come as one update. */
const EDITS = 50_000;
const EDITS_AT_ONCE = 2_000;
/** Until one may write again whose documents have taken much time. */
const PAUSE_MS = 1_000;
/** Of an editor's socket, which is sent megabytes. */
const BUFFER_BYTES = 1024 * 1024;
/** A note is saved half a second after an edit; and the document is let go when nobody edits it. */
const SAVED_MS = 3_000;

/** A chat of messages that follow one another. */
function chatOf(count: number, words: string): string {
  const id = (at: number) => `message-${at}`;
  const messages = Object.fromEntries(
    Array.from({ length: count }, (_, at) => [id(at), {
      id: id(at),
      parentId: at === 0 ? null : id(at - 1),
      childrenIds: at + 1 < count ? [id(at + 1)] : [],
      role: at % 2 === 0 ? "user" : "assistant",
      content: words,
    }]),
  );
  const history = { currentId: id(count - 1), messages };
  return JSON.stringify({ chat: { title: "large", models: ["bench"], history } });
}

const large = chatOf(MESSAGES, WORDS);
const tooMany = chatOf(100_000, "word");
const oneText = JSON.stringify({ chat: { title: "long", params: { text: LONG_TEXT } } });

/** What one user does to the server. */
class User implements AsyncDisposable {
  chatId = "";
  noteId = "";
  documentId = "";
  readonly server: ServerProcess;
  readonly #token: string;
  readonly #editors: Editor[] = [];
  #refusal = "";

  constructor(server: ServerProcess, tokens: Tokens) {
    this.server = server;
    this.#token = tokens.of(0);
  }

  /** Throws for any other answer than the expected ones. */
  async ask(method: string, path: string, body?: string, expected = [200]): Promise<string> {
    const answer = await fetch(`http://127.0.0.1:${this.server.port}${path}`, {
      method,
      headers: { authorization: `Bearer ${this.#token}`, "content-type": "application/json" },
      ...(body !== undefined && { body }),
    });
    const text = await answer.text();
    if (expected.includes(answer.status)) return text;
    throw new Error(`${method} ${path}: ${answer.status} ${text.slice(0, 200)}`);
  }

  async make(path: string, body: string): Promise<string> {
    return JSON.parse(await this.ask("POST", path, body)).id;
  }

  async open(noteId: string, onUpdate?: (update: Uint8Array) => void): Promise<Editor> {
    const documentId = `note:${noteId}`;
    const onError = (text: string) => void (this.#refusal = text);
    const editor = await openWithAttachments({
      server: this.server,
      token: this.#token,
      documentId,
      onError,
      bufferBytes: BUFFER_BYTES,
      ...onUpdate && { onUpdate },
    });
    this.#editors.push(editor);
    return editor;
  }

  /** Everybody leaves, and what is unsaved is saved. */
  async leave(): Promise<void> {
    await Promise.all(this.#editors.splice(0).map((editor) => editor.close()));
    await pause(SAVED_MS);
  }

  /** Writes here and there, so that hardly anything that is written stands beside what came before. */
  async writeMuch(): Promise<void> {
    this.documentId = await this.make("/api/v1/notes/create", JSON.stringify({ title: "typed" }));
    let arrived = 0;
    const editor = await this.open(this.documentId);
    await this.open(this.documentId, (update) => void (arrived += extentOf(update)));
    const writer = new Writer();
    for (let written = 0; written < EDITS; written += EDITS_AT_ONCE) {
      const update = writer.scatter(EDITS_AT_ONCE);
      const isThere = () => arrived >= writer.extent;
      while (!isThere()) {
        this.#refusal = "";
        await editor.send(update);
        const isAnswered = () => this.#refusal !== "" || isThere();
        await until(isAnswered, { limitMs: 60_000, what: "what was written" });
        if (isThere()) break;
        if (!this.#refusal.includes("rate_limited")) throw new Error(this.#refusal);
        await pause(PAUSE_MS);
      }
    }
    await this.leave();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#editors.map((editor) => editor.close()));
  }
}

interface Step {
  id: string;
  title: string;
  /** What comes before, and is not measured. */
  before?(user: User): Promise<unknown>;
  run(user: User): Promise<unknown>;
}

const note = (text: string) => JSON.stringify({ title: "large", data: { content: { md: text } } });

const STEPS: readonly Step[] = [
  {
    id: "chat.import",
    title: "a chat of 10,000 messages and 10 MB is imported",
    run: async (user) => user.chatId = await user.make("/api/v1/chats/new", large),
  },
  {
    id: "chat.read",
    title: "the same is read",
    run: (user) => user.ask("GET", `/api/v1/chats/${user.chatId}`),
  },
  {
    id: "chat.post",
    title: "the same is posted again, whole",
    run: (user) => user.ask("POST", `/api/v1/chats/${user.chatId}`, large),
  },
  {
    id: "chat.refuse",
    title: "a chat of 100,000 messages is refused",
    run: (user) => user.ask("POST", "/api/v1/chats/new", tooMany, [400]),
  },
  {
    id: "chat.text",
    title: "a chat with one text of 8 MB is made and read",
    run: async (user) =>
      await user.ask("GET", `/api/v1/chats/${await user.make("/api/v1/chats/new", oneText)}`),
  },
  {
    id: "note.make",
    title: "a note of 5 MB is made",
    run: async (user) => user.noteId = await user.make("/api/v1/notes/create", note(NOTE)),
  },
  {
    id: "note.open",
    title: "an editor opens it",
    run: (user) => user.open(user.noteId),
  },
  {
    id: "note.edit",
    title: "the editor writes a letter, and it is saved",
    async run(user) {
      const editor = await user.open(user.noteId);
      await editor.send(new Writer().type("a"));
      await pause(SAVED_MS);
    },
  },
  {
    id: "note.write",
    title: "a hundred of its paragraphs are written anew by HTTP, while it is open",
    // On a busy machine the change may take longer than it may, and is refused.
    run: (user) =>
      user.ask("POST", `/api/v1/notes/${user.noteId}/update`, note(CHANGED), [200, 413]),
  },
  {
    id: "document.open",
    title: "a document of 50,000 edits is opened",
    before: (user) => user.leave(),
    run: (user) => user.open(user.documentId),
  },
  {
    id: "document.join",
    title: "another joins it",
    run: (user) => user.open(user.documentId),
  },
];

async function measure(server: ServerProcess, tokens: Tokens, tell: (text: string) => void) {
  const longest: Record<string, number[]> = {};
  await using user = new User(server, tokens);
  tell("a document is written");
  await user.writeMuch();
  for (let round = 0; round <= ROUNDS; round++) {
    tell(round === 0 ? "warm-up" : `round ${round} of ${ROUNDS}`);
    for (const { id, before, run } of STEPS) {
      await before?.(user);
      const ms = await server.longestPauseOf(() => run(user));
      tell(`${id}: ${ms.toFixed(0)} ms`);
      if (round > 0) (longest[id] ??= []).push(ms);
    }
    await user.leave();
  }
  return longest;
}

export const pauses: Section = {
  name: "pauses",
  async run({ contestants, tokens, progress }) {
    const figures = STEPS.map(({ id, title }): Figure => ({
      ...{ id: `pauses.${id}`, title: `longest pause: ${title}`, unit: "ms" },
      samples: {},
      failures: {},
    }));
    const folder = await Deno.makeTempDir({ prefix: "webui-realtime-bench-" });
    try {
      for (const { peer, launch } of contestants.filter(({ peer }) => peer.id === "ours-kv")) {
        const env = {
          BENCH_SECRET_KEY: SECRET_KEY,
          BENCH_KV_PATH: join(folder, "kv"),
          // One user does what several would do.
          QUOTA_WRITE_BYTES_PER_SECOND: "1000000000",
        };
        await using server = await ServerProcess.start(peer, launch, env);
        const longest = await measure(server, tokens, progress);
        for (const figure of figures) {
          figure.samples[peer.id] = longest[figure.id.slice("pauses.".length)] ?? [];
        }
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
    return figures;
  },
};
