/** Documents that many edit, many documents, and a large one that somebody joins. */
import { join } from "node:path";
import { until } from "../../support/until.ts";
import {
  type Editor,
  type EditorOptions,
  openHocuspocus,
  openOurs,
  openWithAttachments,
} from "../load/editors.ts";
import type { Tokens } from "../load/tokens.ts";
import { extentOf, Writer } from "../load/writer.ts";
import { pause } from "../measure/pause.ts";
import { interleaved } from "../measure/rounds.ts";
import type { ServerProcess } from "../measure/server_process.ts";
import type { BenchContext, Figure, Section } from "./section.ts";

/** For a look on a busy machine: `BENCH_SCALE=0.2` takes a fifth of the editors and documents. */
const SCALE = Number(Deno.env.get("BENCH_SCALE") ?? 1);
const EDITORS = 1_000 * SCALE;
const DOCUMENTS = 1_000 * SCALE;
/** Editors that come and go before memory is first read, so that a heap has grown to its working size. */
const WARM_UP = 200;
const OPENING_AT_ONCE = 16;
/** What is saved later is part of the cost: of all servers here, the latest saves after two seconds. */
const AFTERWARDS_MS = 3_000;
const ROUNDS = 5;
const UPDATES_TO_ALL = 20;
const UPDATES_TO_EACH = 4;
const PAUSE_MS = 20;
const LARGE = { updates: 10_000, text: "0123456789" };
const JOINS = 3;
/** What one who joins reads at once: as much as the runtime's own client does. */
const JOIN_BUFFER_BYTES = 64 * 1024;

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

/** A scene on one server: its editors, and what has come to them. */
export abstract class Scene implements AsyncDisposable {
  /** Of what was written, counted at each editor who did not write it. */
  arrived = 0;
  readonly server: ServerProcess;
  #refusal = "";
  readonly #editors: Editor[] = [];
  readonly #kind: Kind;
  readonly #tokens: Tokens;

  constructor(server: ServerProcess, tokens: Tokens) {
    this.server = server;
    this.#kind = KINDS[server.peer.id] ?? OURS;
    this.#tokens = tokens;
  }

  /** Before the first round. Returns what the memory of one of its things is. */
  abstract setUp(): Promise<number | undefined>;
  /** One round's values. */
  abstract measure(): Promise<number[]>;

  create(user: number): Promise<string> {
    return this.#kind.create(this.server, this.#tokens.of(user));
  }

  /** Some servers send an update to its writer too, which is not counted. */
  async open(
    user: number,
    documentId: string,
    as: "reader" | "writer",
    more: Pick<EditorOptions, "bufferBytes"> = {},
  ): Promise<Editor> {
    const editor = await this.#kind.open({
      ...more,
      server: this.server,
      token: this.#tokens.of(user),
      documentId,
      onError: (text) => void (this.#refusal = text),
      ...as === "reader" && { onUpdate: (update) => void (this.arrived += extentOf(update)) },
    });
    this.#editors.push(editor);
    return editor;
  }

  /** Opens many, some at once. */
  async each(count: number, open: (index: number) => Promise<void>): Promise<void> {
    let next = 0;
    await Promise.all(Array.from({ length: OPENING_AT_ONCE }, async () => {
      while (next < count) await open(next++);
    }));
  }

  async closeAll(): Promise<void> {
    await Promise.all(this.#editors.splice(0).map((editor) => editor.close()));
  }

  /** Resident memory after editors have been there and gone. */
  async residentBeforeKiB(): Promise<number> {
    const documentId = await this.create(0);
    await this.each(WARM_UP, async () => void await this.open(0, documentId, "writer"));
    await this.closeAll();
    await pause(AFTERWARDS_MS);
    return await this.residentKiB();
  }

  async untilArrived(goal: number, what: string): Promise<void> {
    await until(() => this.#refusal !== "" || this.arrived >= goal, { limitMs: 60_000, what });
    if (this.#refusal !== "") throw new Error(`Waited in vain for ${what}: ${this.#refusal}`);
  }

  async residentKiB(): Promise<number> {
    for (let i = 0; i < 3; i++) {
      await this.server.ask({ do: "gc" });
      await pause(300);
    }
    return await this.server.residentKiB();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.closeAll();
  }
}

export class OneDocument extends Scene {
  readonly #writer = new Writer();
  #editor: Editor | undefined;

  async setUp(): Promise<number> {
    const before = await this.residentBeforeKiB();
    const documentId = await this.create(0);
    this.#editor = await this.open(0, documentId, "writer");
    await this.each(EDITORS - 1, async () => void await this.open(0, documentId, "reader"));
    return (await this.residentKiB() - before) / EDITORS;
  }

  async measure(): Promise<number[]> {
    const us = await this.server.cpuOf(async () => {
      for (let i = 0; i < UPDATES_TO_ALL; i++) {
        await this.#editor?.send(this.#writer.type("a"));
        await pause(PAUSE_MS);
      }
      await this.untilArrived(this.#writer.extent * (EDITORS - 1), "the updates of one document");
      await pause(AFTERWARDS_MS);
    });
    return [us / (UPDATES_TO_ALL * (EDITORS - 1))];
  }
}

export class ManyDocuments extends Scene {
  readonly #pairs: { editor: Editor; writer: Writer }[] = [];

  async setUp(): Promise<number> {
    const ids: string[] = [];
    await this.each(DOCUMENTS, async (index) => void (ids[index] = await this.create(index)));
    const before = await this.residentBeforeKiB();
    await this.each(DOCUMENTS, async (index) => {
      const id = ids[index] ?? "";
      this.#pairs[index] = { editor: await this.open(index, id, "writer"), writer: new Writer() };
      await this.open(index, id, "reader");
    });
    return (await this.residentKiB() - before) / DOCUMENTS;
  }

  async measure(): Promise<number[]> {
    const us = await this.server.cpuOf(async () => {
      for (let i = 0; i < UPDATES_TO_EACH; i++) {
        for (const [at, { editor, writer }] of this.#pairs.entries()) {
          await editor.send(writer.type("a"));
          if (at % 20 === 0) await pause(1);
        }
      }
      const written = this.#pairs.reduce((sum, { writer }) => sum + writer.extent, 0);
      await this.untilArrived(written, "the updates of many documents");
      await pause(AFTERWARDS_MS);
    });
    return [us / (UPDATES_TO_EACH * DOCUMENTS)];
  }
}

export class LargeDocument extends Scene {
  #documentId = "";

  async setUp(): Promise<undefined> {
    this.#documentId = await this.create(0);
    const editor = await this.open(0, this.#documentId, "writer");
    await this.open(0, this.#documentId, "reader");
    const writer = new Writer();
    for (let i = 0; i < LARGE.updates; i++) {
      await editor.send(writer.type(LARGE.text));
      // No faster than they are stored: a busy store refuses what is too much.
      if (i % 200 === 0) await this.untilArrived(writer.extent, "the large document");
    }
    await this.untilArrived(writer.extent, "the large document");
    await pause(AFTERWARDS_MS);
  }

  async measure(): Promise<number[]> {
    let ms = Infinity;
    let bytes = 0;
    for (let i = 0; i < JOINS; i++) {
      const joined = await this.open(0, this.#documentId, "reader", {
        bufferBytes: JOIN_BUFFER_BYTES,
      });
      // The least of some: what the server took, and not what another process took from it.
      ms = Math.min(ms, joined.syncedMs);
      bytes = joined.syncedBytes;
    }
    return [ms, bytes / 1024];
  }
}

interface Script {
  name: string;
  scene: new (server: ServerProcess, tokens: Tokens) => Scene;
  figures: readonly Pick<Figure, "id" | "title" | "unit">[];
  memory?: Pick<Figure, "id" | "title" | "unit">;
}

const SCRIPTS: readonly Script[] = [
  {
    name: "documents_crowd",
    scene: OneDocument,
    figures: [
      { id: "documents.one", title: "1,000 editors of a document: an update to one", unit: "µs" },
    ],
    memory: {
      id: "documents.one.memory",
      title: "1,000 editors of a document: each",
      unit: "KiB",
    },
  },
  {
    name: "documents",
    scene: ManyDocuments,
    figures: [
      { id: "documents.many", title: "1,000 documents of two: an update to the other", unit: "µs" },
    ],
    memory: {
      id: "documents.many.memory",
      title: "1,000 documents of two: each with both",
      unit: "KiB",
    },
  },
  {
    name: "documents_join",
    scene: LargeDocument,
    figures: [
      { id: "documents.join", title: "joining 100,000 characters in 10,000 updates", unit: "ms" },
      { id: "documents.join.size", title: "joining 100,000 characters: sent", unit: "KiB" },
    ],
  },
];

async function play(
  context: BenchContext,
  { name, scene, figures, memory }: Script,
): Promise<Figure[]> {
  const kib: Record<string, number[]> = {};
  const folder = await Deno.makeTempDir({ prefix: "webui-realtime-bench-" });
  const takePart = context.contestants.filter(({ peer }) => peer.sections?.includes(name));
  const contestants = takePart.map(({ peer, launch }) => {
    const env = { ...launch.env, BENCH_KV_PATH: join(folder, peer.id) };
    return { peer, launch: { ...launch, env } };
  });
  try {
    const told = await interleaved({ ...context, contestants }, {
      figures,
      rounds: ROUNDS,
      warmups: 1,
      async setUp(server) {
        const one = new scene(server, context.tokens);
        const value = await one.setUp();
        if (value !== undefined) kib[server.peer.id] = [value];
        return one;
      },
      measure: (_server, one) => one.measure(),
    });
    const failures = told[0]?.failures ?? {};
    return memory ? [...told, { ...memory, samples: kib, failures }] : told;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Each scene is a section of its own: they are long. */
export const documents: readonly Section[] = SCRIPTS.map((script) => ({
  name: script.name,
  run: (context) => play(context, script),
}));
