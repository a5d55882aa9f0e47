/**
 * What a client's copy of a message does to the stored one. Pure: a store applies it again when
 * another writer was faster.
 */
import type { ChatMessage } from "../protocol/chat.ts";
import { hasRead, type Knowledge, knowsEdit, type Stamp } from "./knowledge.ts";

/** A message as it is stored: with when it came, and when its words were last changed by a client. */
export type StoredMessage = ChatMessage & { stamps?: Stamps };

export interface Stamps {
  added?: Stamp;
  edited?: Stamp;
}

/** Lists that events add to while a model answers. */
const GROWING = ["statusHistory", "sources", "files", "embeds"] as const;

/** Whether the server is writing this message right now. */
export function isLive(message: ChatMessage | undefined): boolean {
  return message?.generation !== undefined && message.done !== true;
}

/** Only the server says that it writes a message, and when it came. */
export function fromClient({ stamps: _, ...message }: StoredMessage): ChatMessage {
  if (!isLive(message)) return message;
  const { generation: _generation, ...rest } = message;
  return rest;
}

/** The message as clients get it. */
export function toClient({ stamps: _, ...message }: StoredMessage): ChatMessage {
  return message;
}

/** What the stored message becomes; the stored one itself when nothing changes. */
export function mergedMessage(
  current: StoredMessage | undefined,
  copy: ChatMessage,
  knowledge: Knowledge | undefined,
): StoredMessage {
  const given = fromClient(copy);
  const by = knowledge?.reader;
  if (!current) return { ...given, stamps: { added: stampBy(by) } };
  const childrenIds = [...new Set([...current.childrenIds, ...given.childrenIds])];
  const isOld = isLive(current) || isOlderAnswer(current, given) ||
    !knowsEdit(knowledge, current.stamps?.edited);
  const merged: StoredMessage = isOld
    ? { ...given, ...current, childrenIds }
    : { ...current, ...given, ...ofServer(current, given), childrenIds };
  if (isSame(merged, current)) return current;
  if (merged.content === current.content) return merged;
  return { ...merged, stamps: { ...current.stamps, edited: stampBy(by) } };
}

/** Whether somebody who left the message out has deleted it: they had read it, and knew its edits. */
export function isDeletedBy(
  { stamps, ...message }: StoredMessage,
  knowledge: Knowledge | undefined,
): boolean {
  return knowledge !== undefined && !isLive(message) &&
    hasRead(knowledge, stamps?.added) && knowsEdit(knowledge, stamps?.edited);
}

/** A copy that was made before the answer ended, or of an answer that a newer one has replaced. */
function isOlderAnswer(current: ChatMessage, given: ChatMessage): boolean {
  if (given.role !== "assistant") return false;
  if (given.done !== true) {
    return current.generation !== undefined || current.content.startsWith(given.content);
  }
  return given.generation !== undefined && given.generation !== current.generation;
}

/** What only the server says of a message, and lists that have grown since the copy was made. */
function ofServer(current: StoredMessage, given: ChatMessage): Partial<StoredMessage> {
  const { generation, stamps } = current;
  const own: Partial<StoredMessage> = {
    ...(generation !== undefined && { generation }),
    ...(stamps && { stamps }),
  };
  if (given.role !== "assistant") return own;
  for (const name of GROWING) {
    const list = current[name];
    if (list && list.length > (given[name]?.length ?? 0)) own[name] = list;
  }
  return own;
}

const stampBy = (by: string | undefined): Stamp => (by === undefined ? {} : { by });

/** Both come from JSON, and the one is made of the other. */
const isSame = (a: object, b: object) => canonical(a) === canonical(b);

const canonical = (message: object) =>
  JSON.stringify(Object.entries(message).sort(([a], [b]) => (a < b ? -1 : 1)));
