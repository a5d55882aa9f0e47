/** How instances that have the same document open tell each other what happens in it. */
import { Buffer } from "node:buffer";
import * as v from "valibot";
import { keys } from "../state/key_space.ts";
import type { StateStore, SubscribeHandlers, Subscription } from "../state/state_store.ts";

/** Sends text to all instances that have the document open. Default: the store's publish/subscribe. */
export interface DocumentBus {
  publish(key: string, message: string): Promise<void>;
  subscribe(key: string, handlers: SubscribeHandlers): Promise<Subscription>;
  /** Whether anybody hears it beside the asker, who has subscribed once. Default: somebody may. */
  isHeard?(key: string): boolean;
}

export function storeBus(store: StateStore): DocumentBus {
  return {
    publish: (key, message) => store.publish(keys.documentChanges(key), message),
    subscribe: (key, handlers) => store.subscribe(keys.documentChanges(key), handlers),
    isHeard: (key) =>
      store.hasPeers?.() !== false ||
      store.listenersHere === undefined || store.listenersHere(keys.documentChanges(key)) > 1,
  };
}

const PersonSchema = v.object({
  sid: v.string(),
  userId: v.string(),
  userName: v.string(),
  userColor: v.optional(v.string()),
});

const ChangeSchema = v.variant("kind", [
  v.object({ kind: v.literal("update"), by: v.optional(PersonSchema), update: v.string() }),
  v.object({ kind: v.literal("awareness"), by: PersonSchema, update: v.string() }),
  v.object({ kind: v.literal("joined"), by: PersonSchema }),
  v.object({ kind: v.literal("left"), by: PersonSchema }),
  /** Something is in the log that was too large to send, or could not be sent. */
  v.object({ kind: v.literal("log") }),
  /** Somebody who had unsaved edits is gone: save. */
  v.object({ kind: v.literal("unsaved") }),
]);
const MessageSchema = v.object({ from: v.string(), change: ChangeSchema });

export type Person = v.InferOutput<typeof PersonSchema>;
export type Change = v.InferOutput<typeof ChangeSchema>;

/** Larger updates are read from the log; a message takes 1 MiB, base64 a third more than the bytes. */
export const MAX_SENT_BYTES = 512 * 1024;

export const toText = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64");
export const toBytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "base64"));

export const writeMessage = (from: string, change: Change): string =>
  JSON.stringify({ from, change });

/** Whether it is what {@linkcode writeMessage} made for `from`; without reading the rest. */
export const isFrom = (from: string, text: string): boolean =>
  text.startsWith(`{"from":${JSON.stringify(from)},`);

/** `undefined`: nothing that this version understands. */
export function readMessage(text: string): { from: string; change: Change } | undefined {
  try {
    const result = v.safeParse(MessageSchema, JSON.parse(text));
    return result.success ? result.output : undefined;
  } catch {
    return undefined;
  }
}
