import * as Y from "yjs";
import { io as connect, type Socket } from "socket.io-client";
import { AppError } from "../../lib/common/errors.ts";
import { silentLogger } from "../../lib/common/logger.ts";
import { systemClock } from "../../lib/common/clock.ts";
import {
  DocumentService,
  type DocumentServiceOptions,
} from "../../lib/documents/document_service.ts";
import type { NoteAccess, NoteContent } from "../../lib/documents/note_ports.ts";
import type { JsonNode } from "../../lib/note_schema/json_node.ts";
import type { NoteSnapshot } from "../../lib/note_schema/note_content.ts";
import type { SessionUser } from "../../lib/protocol/user.ts";
import { Dispatcher } from "../../lib/realtime/dispatcher.ts";
import { documentAudience, documentEvents } from "../../lib/realtime/document_events.ts";
import { NoteRooms } from "../../lib/realtime/note_rooms.ts";
import type { RealtimeServer, Session } from "../../lib/realtime/session.ts";
import { openKvStore } from "../../lib/state/kv_store.ts";
import type { StateStore } from "../../lib/state/state_store.ts";
import { startServer } from "../transport/support/server.ts";
import { hubOf, onBus } from "../support/faulty_bus.ts";
import { until } from "../support/until.ts";

export const openStore = () =>
  openKvStore({ path: ":memory:", keyPrefix: "test", logger: silentLogger });

/** A ProseMirror document of one paragraph a line. */
export const textJson = (...lines: string[]): JsonNode => ({
  type: "doc",
  content: lines.map((text) => ({ type: "paragraph", content: [{ type: "text", text }] })),
});

export function textOf(node: JsonNode | null | undefined): string {
  if (!node) return "";
  return node.text ?? (node.content ?? []).map(textOf).join("");
}

/** Notes in memory, whose store can be slow or fail. */
export class FakeNotes implements NoteAccess, NoteContent {
  readonly notes = new Map<string, NoteSnapshot>();
  readonly readers = new Map<string, Set<string>>();
  readonly writers = new Map<string, Set<string>>();
  readonly saves: { noteId: string; snapshot: NoteSnapshot }[] = [];
  failing = false;
  slowMs = 0;
  loads = 0;
  saving = 0;
  mostSaving = 0;

  add(noteId: string, snapshot: NoteSnapshot = {}): void {
    this.notes.set(noteId, snapshot);
  }

  text(noteId: string): string {
    return textOf(this.notes.get(noteId)?.json);
  }

  mayRead(userId: string, noteId: string): Promise<boolean> {
    return Promise.resolve(this.readers.get(noteId)?.has(userId) ?? userId !== "stranger");
  }

  mayWrite(userId: string, noteId: string): Promise<boolean> {
    return Promise.resolve(this.writers.get(noteId)?.has(userId) ?? userId !== "reader");
  }

  load(noteId: string): Promise<NoteSnapshot | undefined> {
    this.loads++;
    return Promise.resolve(this.notes.get(noteId));
  }

  async save(noteId: string, snapshot: NoteSnapshot): Promise<void> {
    this.mostSaving = Math.max(this.mostSaving, ++this.saving);
    try {
      if (this.slowMs > 0) await new Promise((resolve) => setTimeout(resolve, this.slowMs));
      if (this.failing) throw new AppError("unavailable", "The notes are away.");
      if (!this.notes.has(noteId)) throw new AppError("not_found", "There is no such note.");
      this.saves.push({ noteId, snapshot });
      this.notes.set(noteId, snapshot);
    } finally {
      this.saving--;
    }
  }
}

export interface Instance extends AsyncDisposable {
  url: string;
  io: RealtimeServer;
  documents: DocumentService;
  /** Cuts all sockets and drops the memory without any clean-up, as SIGKILL does. */
  kill(): Promise<void>;
}

export interface InstanceOptions extends Partial<DocumentServiceOptions> {
  store: StateStore;
  notes: FakeNotes;
}

/** A server with documents; a socket's session is whoever its `auth.user` says, or none. */
export async function startInstance({ notes, ...more }: InstanceOptions): Promise<Instance> {
  const server = await startServer({
    transports: "websocket",
    maxPayloadBytes: 10_000_000,
    maxSendBufferBytes: 64_000_000,
  });
  const io = server.server.io as unknown as RealtimeServer;
  const noteRooms = new NoteRooms({ io, access: notes, logger: silentLogger });
  const documents = new DocumentService({
    content: notes,
    access: notes,
    audience: documentAudience({ io, noteRooms }),
    topics: onBus(hubOf(more.store).connect()).topics,
    userIds: (sids) =>
      Promise.resolve(sids.map((sid) => users.get(sid)).filter((id) => id !== undefined)),
    logger: silentLogger,
    saving: { quietMs: 20, maxWaitMs: 200, maxRetryMs: 50 },
    ...more,
  });
  await documents.start();
  const dispatcher = new Dispatcher({
    events: documentEvents({ documents, noteRooms }),
    eventsPerSecond: 100_000,
    clock: systemClock,
    logger: silentLogger,
  });
  let isDead = false;
  const own = new Set<string>();
  io.on("connection", (socket) => {
    const { user } = socket.handshake.auth;
    if (user) {
      const session = { sid: socket.id, user: { id: user, name: `Name of ${user}` } };
      socket.data.session = session as unknown as Session & { user: SessionUser };
      users.set(socket.id, user);
      own.add(socket.id);
    }
    dispatcher.attach(socket);
    socket.on("disconnect", () => {
      if (isDead) return;
      users.delete(socket.id);
      documents.sessionGone(socket.id);
    });
  });
  return {
    url: server.url,
    io,
    documents,
    async kill() {
      isDead = true;
      noteRooms[Symbol.dispose]();
      await documents[Symbol.asyncDispose]();
      for (const sid of own) users.delete(sid);
      await server[Symbol.asyncDispose]();
    },
    async [Symbol.asyncDispose]() {
      if (isDead) return;
      noteRooms[Symbol.dispose]();
      await documents.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** The session pool of all instances: socket id → user. */
const users = new Map<string, string>();

interface Refused {
  status: boolean;
  error?: { code: string; message: string };
}

export type Heard = { name: string; payload: Record<string, unknown> };

const bytesOf = (value: unknown): Uint8Array =>
  value instanceof Uint8Array ? value : new Uint8Array(value as number[]);

/** A browser with one document: a real Yjs document on a real socket. */
export class Client implements Disposable {
  readonly socket: Socket;
  doc = new Y.Doc();
  readonly heard: Heard[] = [];
  hasState = false;
  constructor(
    url: string,
    user: string | undefined,
    readonly documentId: string,
    readonly isBinary = false,
  ) {
    this.socket = connect(url, {
      path: "/ws/socket.io",
      transports: ["websocket"],
      forceNew: true,
      reconnection: false,
      auth: user === undefined ? {} : { user },
    });
    this.socket.onAny((name: string, payload: Record<string, unknown>) => {
      this.heard.push({ name, payload });
      if (payload.document_id !== documentId) return;
      if (name === "ydoc:document:state") {
        Y.applyUpdate(this.doc, bytesOf(payload.state), "server");
        this.hasState = true;
      }
      if (name === "ydoc:document:update") {
        Y.applyUpdate(this.doc, bytesOf(payload.update), "server");
      }
    });
    this.doc.on("update", (update: Uint8Array, origin: unknown) => {
      if (origin === "server" || !this.autoSend) return;
      const answer = this.update(update);
      // A socket that is cut leaves its last edits unanswered.
      answer.catch(() => {});
      this.unanswered.push(answer);
    });
  }
  autoSend = true;
  readonly unanswered: Promise<Refused>[] = [];

  static async open(
    url: string,
    user: string,
    documentId: string,
    isBinary = false,
  ): Promise<Client> {
    const client = new Client(url, user, documentId, isBinary);
    await client.connected();
    await client.join();
    return client;
  }

  async connected(): Promise<void> {
    await until(() => this.socket.connected, { what: "the socket" });
  }

  send(name: string, payload: object): Promise<Refused> {
    return this.socket.timeout(60_000).emitWithAck(name, payload);
  }

  async join(): Promise<Refused> {
    const answer = await this.send("ydoc:document:join", {
      document_id: this.documentId,
      user_color: "#abc",
      ...(this.isBinary ? { state_vector: Y.encodeStateVector(this.doc) } : {}),
    });
    if (answer.status) await until(() => this.hasState, { what: "the state" });
    return answer;
  }

  leave(): Promise<Refused> {
    return this.send("ydoc:document:leave", { document_id: this.documentId });
  }

  update(update: Uint8Array, data?: object): Promise<Refused> {
    return this.send("ydoc:document:update", {
      document_id: this.documentId,
      update: this.isBinary ? update : Array.from(update),
      ...(data ? { data } : {}),
    });
  }

  get fragment(): Y.XmlFragment {
    return this.doc.getXmlFragment("prosemirror");
  }

  /** Appends a paragraph; resolves with the answer to its update. */
  async write(text: string): Promise<Refused | undefined> {
    this.doc.transact(() => {
      const paragraph = new Y.XmlElement("paragraph");
      paragraph.insert(0, [new Y.XmlText(text)]);
      this.fragment.push([paragraph]);
    });
    return await this.unanswered.at(-1);
  }

  text(): string {
    return this.fragment.toString().replace(/<[^>]*>/g, "");
  }

  all(name: string): Record<string, unknown>[] {
    return this.heard.filter((one) => one.name === name).map(({ payload }) => payload);
  }

  [Symbol.dispose](): void {
    this.socket.disconnect();
    this.doc.destroy();
  }
}
