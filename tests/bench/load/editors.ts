/** Editors of shared documents: this project's by its wire events, Hocuspocus' by its own protocol. */
import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import * as sync from "y-protocols/sync";
import * as Y from "yjs";
import type { ServerProcess } from "../measure/server_process.ts";
import { withLimit } from "../measure/with_limit.ts";
import { clientFrame, OPCODE } from "./frames.ts";
import { LoadSocket } from "./socket.ts";

const LIMIT_MS = 60_000;
const textDecoder = new TextDecoder();

export interface Editor {
  /** From asking to having the document, in milliseconds. */
  readonly syncedMs: number;
  /** What the server sent for it. */
  readonly syncedBytes: number;
  send(update: Uint8Array): Promise<void> | void;
  close(): Promise<void> | void;
}

export interface EditorOptions {
  server: ServerProcess;
  token: string;
  documentId: string;
  /** What its socket reads at once. Default: 4,096. */
  bufferBytes?: number;
  /** An update has come: one of another's, or several that the server has made one. */
  onUpdate?(update: Uint8Array): void;
  /** The server has refused something. */
  onError?(text: string): void;
}

const PLACEHOLDER = { _placeholder: true, num: 0 };
/** Of a document without anything. */
const EMPTY_STATE_VECTOR = Uint8Array.of(0);

/** Speaks as Open WebUI's client: bytes are JSON's arrays of numbers. */
export const openOurs = (options: EditorOptions): Promise<Editor> => openByEvents(options, false);

/** Speaks the same events with binary attachments. */
export const openWithAttachments = (options: EditorOptions): Promise<Editor> =>
  openByEvents(options, true);

/** Joins, and applies what comes first to a document of its own. */
async function openByEvents(options: EditorOptions, isBinary: boolean): Promise<Editor> {
  const { server, token, documentId, onUpdate, onError } = options;
  const state = Promise.withResolvers<{ state: Uint8Array; size: number }>();
  const socket = await LoadSocket.connect({
    port: server.port,
    token,
    bufferBytes: options.bufferBytes,
    onLost: (why) => state.reject(new Error(`The server closed an editor: ${why}`)),
    onPacket(kind, payload, attachment) {
      if (kind !== "event") return;
      // Without reading the whole of it: `["ydoc:document:update",`.
      const name = textDecoder.decode(payload.subarray(2, 23));
      if (name.startsWith("ydoc:document:update")) {
        onUpdate?.(
          attachment ?? Uint8Array.from(JSON.parse(textDecoder.decode(payload))[1].update),
        );
      }
      if (name.startsWith("ydoc:document:state")) {
        const size = payload.length + (attachment?.length ?? 0);
        const numbers = () => JSON.parse(textDecoder.decode(payload))[1].state;
        state.resolve({ state: attachment?.slice() ?? Uint8Array.from(numbers()), size });
      }
      if (name.startsWith("error")) {
        onError?.(textDecoder.decode(payload));
        state.reject(new Error(textDecoder.decode(payload)));
      }
    },
  });
  const emit = async (name: string, key: string, bytes: Uint8Array | undefined, more = {}) => {
    const type = bytes && isBinary ? "451-" : "42";
    const value = bytes && (isBinary ? PLACEHOLDER : Array.from(bytes));
    const args = [name, { document_id: documentId, ...more, [key]: value }];
    await socket.send(clientFrame(type + JSON.stringify(args)));
    if (bytes && isBinary) await socket.send(clientFrame(bytes, OPCODE.binary));
  };
  const began = performance.now();
  const known = isBinary ? EMPTY_STATE_VECTOR : undefined;
  await emit("ydoc:document:join", "state_vector", known, { user_color: "#abc" });
  const synced = await withLimit(state.promise, LIMIT_MS, () => "the document's state");
  using doc = disposable(new Y.Doc());
  Y.applyUpdate(doc, synced.state);
  return {
    syncedMs: performance.now() - began,
    syncedBytes: synced.size,
    send: (update) => emit("ydoc:document:update", "update", update),
    close: () => socket.close(),
  };
}

const MESSAGE = { sync: 0, auth: 2, queryAwareness: 3 };
/** Hocuspocus cuts whoever says nothing for a minute; its own client's cursors say something. */
const SIGN_OF_LIFE_MS = 25_000;

/** The same with Hocuspocus: token, first step of y-protocols, second step back. */
export async function openHocuspocus(options: EditorOptions): Promise<Editor> {
  const { server, token, documentId, onUpdate } = options;
  const socket = new WebSocket(`ws://127.0.0.1:${server.port}`);
  socket.binaryType = "arraybuffer";
  const state = Promise.withResolvers<void>();
  const doc = new Y.Doc();
  const opened = new Promise<void>((resolve) => socket.onopen = () => resolve());
  const say = (type: number, write: (encoder: encoding.Encoder) => void) => {
    const encoder = encoding.createEncoder();
    encoding.writeVarString(encoder, documentId);
    encoding.writeVarUint(encoder, type);
    write(encoder);
    socket.send(encoding.toUint8Array(encoder).slice());
  };
  let bytes = 0;
  let isSynced = false;
  socket.onmessage = ({ data }) => {
    bytes += data.byteLength;
    const decoder = decoding.createDecoder(new Uint8Array(data));
    decoding.readVarString(decoder);
    if (decoding.readVarUint(decoder) !== MESSAGE.sync) return;
    const kind = decoding.readVarUint(decoder);
    if (kind === sync.messageYjsSyncStep1) return;
    if (isSynced) return onUpdate?.(decoding.readVarUint8Array(decoder));
    Y.applyUpdate(doc, decoding.readVarUint8Array(decoder));
    isSynced = true;
    state.resolve();
  };
  await opened;
  const began = performance.now();
  say(MESSAGE.auth, (encoder) => {
    encoding.writeVarUint(encoder, 0);
    encoding.writeVarString(encoder, token);
  });
  say(MESSAGE.sync, (encoder) => sync.writeSyncStep1(encoder, doc));
  await withLimit(state.promise, LIMIT_MS, () => "the document's state");
  const syncedMs = performance.now() - began;
  doc.destroy();
  const signs = setInterval(() => say(MESSAGE.queryAwareness, () => {}), SIGN_OF_LIFE_MS);
  return {
    syncedMs,
    syncedBytes: bytes,
    send: (update) => say(MESSAGE.sync, (encoder) => sync.writeUpdate(encoder, update)),
    async close() {
      clearInterval(signs);
      const closed = new Promise<void>((resolve) => socket.onclose = () => resolve());
      socket.close();
      await closed;
    },
  };
}

function disposable(doc: Y.Doc): Y.Doc & Disposable {
  return Object.assign(doc, { [Symbol.dispose]: () => doc.destroy() });
}
