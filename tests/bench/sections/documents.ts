/** Documents that many edit, many documents, and a large one that somebody joins. */
import { join } from "node:path";
import * as Y from "yjs";
import { until } from "../../support/until.ts";
import {
  type Editor,
  type EditorOptions,
  openHocuspocus,
  openOurs,
  openWithAttachments,
} from "../load/editors.ts";
import { SECRET_KEY, type Tokens } from "../load/tokens.ts";
import { pause } from "../measure/pause.ts";
import { ServerProcess } from "../measure/server_process.ts";
import type { Contestant, Figure, Section } from "./section.ts";

const EDITORS = 1_000;
const DOCUMENTS = 1_000;
/** Editors that come and go before memory is first read, so that a heap has grown to its working size. */
const WARM_UP = 200;
const OPENING_AT_ONCE = 16;
/** What is saved a little later is part of the cost. */
const AFTERWARDS_MS = 1_000;
const ROUNDS = 5;
const UPDATES_TO_ALL = 20;
const UPDATES_TO_EACH = 4;
const PAUSE_MS = 20;
const LARGE = { updates: 10_000, chars: 10 };
const JOINS = 9;

interface Kind {
  open(options: EditorOptions): Promise<Editor>;
  create(server: ServerProcess, token: string): Promise<string>;
}

const OURS: Kind = {
  open: openOurs,
  async create(server, token) {
    const answer = await fetch(`http://127.0.0.1:${server.port}/api/v1/notes/create`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify({ title: "bench" }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`Cannot create a note: ${answer.status} ${text.slice(0, 200)}`);
    return `note:${JSON.parse(text).id}`;
  },
};
const HOCUSPOCUS: Kind = {
  open: openHocuspocus,
  create: () => Promise.resolve(`note:${crypto.randomUUID()}`),
};

const ATTACHMENTS: Kind = { ...OURS, open: openWithAttachments };
const KINDS: Record<string, Kind> = { hocuspocus: HOCUSPOCUS, "ours-attachments": ATTACHMENTS };

/** Types, and hands out each keystroke as an update. */
class Writer {
  readonly #doc = new Y.Doc();
  readonly #text = new Y.XmlText();
  readonly #updates: Uint8Array[] = [];

  constructor() {
    this.#doc.on("update", (update: Uint8Array) => this.#updates.push(update));
    const paragraph = new Y.XmlElement("paragraph");
    this.#doc.transact(() => {
      paragraph.insert(0, [this.#text]);
      this.#doc.getXmlFragment("prosemirror").push([paragraph]);
    });
  }

  /** The update that adds the text; the first one brings the paragraph with it. */
  type(text: string): Uint8Array {
    this.#text.insert(this.#text.length, text);
    return Y.mergeUpdates(this.#updates.splice(0));
  }
}

class Bench implements AsyncDisposable {
  arrived = 0;
  readonly editors: Editor[] = [];
  readonly #server: ServerProcess;
  readonly #kind: Kind;
  readonly #tokens: Tokens;

  constructor(server: ServerProcess, kind: Kind, tokens: Tokens) {
    this.#server = server;
    this.#kind = kind;
    this.#tokens = tokens;
  }

  create(user: number): Promise<string> {
    return this.#kind.create(this.#server, this.#tokens.of(user));
  }

  async open(user: number, documentId: string): Promise<Editor> {
    const editor = await this.#kind.open({
      server: this.#server,
      token: this.#tokens.of(user),
      documentId,
      onUpdate: () => this.arrived++,
    });
    this.editors.push(editor);
    return editor;
  }

  /** Opens many, some at once. */
  async each(count: number, open: (index: number) => Promise<void>): Promise<void> {
    let next = 0;
    await Promise.all(Array.from({ length: OPENING_AT_ONCE }, async () => {
      while (next < count) await open(next++);
    }));
  }

  /** Resident memory after editors have been there and gone. */
  async residentBeforeKiB(): Promise<number> {
    const documentId = await this.create(0);
    await this.each(WARM_UP, async () => void await this.open(0, documentId));
    await Promise.all(this.editors.splice(0).map((editor) => editor.close()));
    await pause(AFTERWARDS_MS);
    return await this.residentKiB();
  }

  /** CPU time of the server for each update that has reached an editor. */
  async usPerDelivery(send: () => Promise<void>, deliveries: number): Promise<number> {
    const goal = this.arrived + deliveries;
    const us = await this.#server.cpuOf(async () => {
      await send();
      await until(() => this.arrived >= goal, { limitMs: 60_000, what: "the updates" });
      await pause(AFTERWARDS_MS);
    });
    return us / deliveries;
  }

  async residentKiB(): Promise<number> {
    for (let i = 0; i < 3; i++) {
      await this.#server.ask({ do: "gc" });
      await pause(300);
    }
    return await this.#server.residentKiB();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.editors.map((editor) => editor.close()));
  }
}

type Values = Record<string, number[]>;

async function oneDocument(bench: Bench): Promise<Values> {
  const documentId = await bench.create(0);
  const before = await bench.residentBeforeKiB();
  await bench.each(EDITORS, async () => void await bench.open(0, documentId));
  const memory = (await bench.residentKiB() - before) / EDITORS;
  const writer = new Writer();
  const [first] = bench.editors;
  const us: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const cost = await bench.usPerDelivery(async () => {
      for (let i = 0; i < UPDATES_TO_ALL; i++) {
        await first?.send(writer.type("a"));
        await pause(PAUSE_MS);
      }
    }, UPDATES_TO_ALL * (EDITORS - 1));
    if (round > 0) us.push(cost);
  }
  return { "documents.one": us, "documents.one.memory": [memory] };
}

async function manyDocuments(bench: Bench): Promise<Values> {
  const ids: string[] = [];
  await bench.each(DOCUMENTS, async (index) => void (ids[index] = await bench.create(index)));
  const before = await bench.residentBeforeKiB();
  const pairs: { editor: Editor; writer: Writer }[] = [];
  await bench.each(DOCUMENTS, async (index) => {
    const id = ids[index] ?? "";
    pairs[index] = { editor: await bench.open(index, id), writer: new Writer() };
    await bench.open(index, id);
  });
  const memory = (await bench.residentKiB() - before) / DOCUMENTS;
  const us: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const cost = await bench.usPerDelivery(async () => {
      for (let i = 0; i < UPDATES_TO_EACH; i++) {
        for (const [at, { editor, writer }] of pairs.entries()) {
          await editor.send(writer.type("a"));
          if (at % 20 === 0) await pause(1);
        }
      }
    }, UPDATES_TO_EACH * DOCUMENTS);
    if (round > 0) us.push(cost);
  }
  return { "documents.many": us, "documents.many.memory": [memory] };
}

async function largeDocument(bench: Bench): Promise<Values> {
  const documentId = await bench.create(0);
  const editor = await bench.open(0, documentId);
  await bench.open(0, documentId);
  const writer = new Writer();
  const goal = bench.arrived + LARGE.updates;
  for (let i = 0; i < LARGE.updates; i++) {
    await editor.send(writer.type("0123456789".slice(0, LARGE.chars)));
    if (i % 20 === 0) await pause(5);
  }
  await until(() => bench.arrived >= goal, { limitMs: 60_000, what: "the large document" });
  await pause(AFTERWARDS_MS);
  const ms: number[] = [];
  const kib: number[] = [];
  for (let i = 0; i < JOINS; i++) {
    const { syncedMs, syncedBytes } = await bench.open(0, documentId);
    ms.push(syncedMs);
    kib.push(syncedBytes / 1024);
  }
  return { "documents.join": ms, "documents.join.size": kib };
}

const FIGURES: readonly Pick<Figure, "id" | "title" | "unit">[] = [
  { id: "documents.one", title: "1,000 editors of a document: an update to one", unit: "µs" },
  { id: "documents.one.memory", title: "1,000 editors of a document: each", unit: "KiB" },
  { id: "documents.many", title: "1,000 documents of two: an update to the other", unit: "µs" },
  { id: "documents.many.memory", title: "1,000 documents of two: each with both", unit: "KiB" },
  { id: "documents.join", title: "joining 100,000 characters in 10,000 updates", unit: "ms" },
  { id: "documents.join.size", title: "joining 100,000 characters: sent", unit: "KiB" },
];

/** Each scene on a server of its own. */
async function runAll({ peer, launch }: Contestant, tokens: Tokens, kvPath: string) {
  const values: Values = {};
  for (const [at, scene] of [oneDocument, manyDocuments, largeDocument].entries()) {
    const env = { BENCH_SECRET_KEY: SECRET_KEY, BENCH_KV_PATH: `${kvPath}-${at}` };
    await using server = await ServerProcess.start(peer, launch, env);
    await using bench = new Bench(server, KINDS[peer.id] ?? OURS, tokens);
    Object.assign(values, await scene(bench));
  }
  return values;
}

export const documents: Section = {
  name: "documents",
  async run({ contestants, tokens, progress }) {
    const figures: Figure[] = FIGURES.map((figure) => ({ ...figure, samples: {}, failures: {} }));
    const folder = await Deno.makeTempDir({ prefix: "webui-realtime-bench-" });
    try {
      for (const contestant of contestants) {
        const { id, sections } = contestant.peer;
        if (!sections?.includes("documents")) continue;
        progress(id);
        try {
          const values = await runAll(contestant, tokens, join(folder, id));
          for (const figure of figures) figure.samples[id] = values[figure.id] ?? [];
        } catch (thrown) {
          progress(`${id} failed: ${thrown}`);
          for (const figure of figures) figure.failures[id] = String(thrown);
        }
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
    return figures;
  },
};
