/**
 * What an event of the event emitter changes in the stored message (docs/protocol.md, section 6). Pure, so
 * that a store can apply it again when another writer was faster.
 */
import type { ChatMessage } from "../protocol/chat.ts";
import type { EmitterData } from "../protocol/events.ts";

type MessageChange = (message: ChatMessage) => ChatMessage;

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const text = (value: unknown): string => (typeof value === "string" ? value : "");
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

const changes: Record<string, (data: Record<string, unknown>) => MessageChange | undefined> = {
  status: (data) => (message) => ({
    ...message,
    statusHistory: [...list(message.statusHistory), data],
  }),
  message: (data) => (message) => ({ ...message, content: message.content + text(data.content) }),
  replace: (data) => (message) => ({ ...message, content: text(data.content) }),
  embeds: (data) => (message) => ({
    ...message,
    embeds: [...(data.replace === true ? [] : list(message.embeds)), ...list(data.embeds)],
  }),
  files: (data) => (message) => ({
    ...message,
    files: [...list(message.files), ...list(data.files)],
  }),
  source: citation,
  citation,
};

/** Sources carry a `type` of their own when they are not a source (a code run): those are not kept. */
function citation(data: Record<string, unknown>): MessageChange | undefined {
  if (data.type) return undefined;
  return (message) => ({ ...message, sources: [...list(message.sources), data] });
}

/** The change that this event makes to the stored message, or `undefined` when it only passes by. */
export function storedChange(event: EmitterData): MessageChange | undefined {
  const make = Object.hasOwn(changes, event.type) ? changes[event.type] : undefined;
  return make?.(isRecord(event.data) ? event.data : {});
}
