/** Open WebUI's chats: a tree of messages within the chat's JSON, and in newer versions rows beside it. */
import * as v from "valibot";
import { FlagColumn, JsonColumn } from "../openwebui/columns.ts";
import type { Database } from "../openwebui/database.ts";
import type { ChatMessage } from "../protocol/chat.ts";
import { ChatMessageRecordSchema } from "../state/records.ts";
import type { Line } from "./lines.ts";
import { isObject } from "./open_webui_reader.ts";

/** A row of `chat`. Times in seconds. */
export interface ChatRow {
  id: string;
  user_id: string;
  title: string;
  chat: Record<string, unknown> | null;
  meta: Record<string, unknown> | null;
  created_at: number;
  updated_at: number;
  last_read_at: number;
  pinned: boolean;
}

const nullableText = v.fallback(v.nullable(v.string()), null);
const MessageRow = v.object({
  id: v.string(),
  role: v.picklist(["user", "assistant", "system", "tool"]),
  parent_id: nullableText,
  content: JsonColumn,
  model_id: nullableText,
  files: JsonColumn,
  sources: JsonColumn,
  usage: JsonColumn,
  done: FlagColumn,
  created_at: v.fallback(v.nullable(v.pipe(v.string(), v.transform(Number))), null),
});

/** The chat, and each of its messages. */
export async function* chatLines(database: Database, row: ChatRow): AsyncGenerator<Line> {
  const { id, user_id, title, created_at, updated_at, last_read_at, pinned, meta } = row;
  const { history, messages: _, ...body } = row.chat ?? {};
  const { messages: inTree = {}, currentId, ...restOfHistory } = fieldsOf(history);
  const messages = new Map<string, ChatMessage>();
  for (const [key, one] of Object.entries(fieldsOf(inTree))) {
    const found = v.safeParse(ChatMessageRecordSchema, { ...fieldsOf(one), id: key });
    if (found.success) {
      messages.set(key, { ...found.output, content: textOf(fieldsOf(one).content) });
    }
  }
  for (const message of await rowsOf(database, id)) {
    if (!messages.has(message.id)) messages.set(message.id, message);
  }
  nameChildren(messages);
  const last = typeof currentId === "string" && messages.has(currentId)
    ? currentId
    : [...messages.keys()].at(-1) ?? null;
  yield {
    type: "chat",
    record: {
      ...{ id, user_id, title, created_at, updated_at },
      ...(last_read_at > 0 && { last_read_at }),
      ...(pinned && { pinned }),
      chat: {
        ...{ ...body, title, ...(meta && { meta }) },
        history: { ...restOfHistory, currentId: last, messages: {} },
      },
      // As `ChatStore` counts them.
      ...{ version: 1, size: messages.size },
    },
  };
  for (const message of messages.values()) {
    const stamps = { added: { at: 1 } };
    yield {
      type: "chat_message",
      record: { chat_id: id, message: { ...message, stamps } as never },
    };
  }
}

/** Messages that stand in a table of their own (0.8 and later); none where there is no such table. */
async function rowsOf(database: Database, chatId: string): Promise<ChatMessage[]> {
  const rows = await database.query(
    `SELECT id, role, parent_id, model_id, files, sources, usage, done,
       CAST(content AS TEXT) AS content, CAST(created_at AS TEXT) AS created_at FROM chat_message WHERE chat_id = $1
     ORDER BY created_at, id`,
    [chatId],
  );
  // A message's own id may come behind that of its chat.
  const own = (id: string) => id.startsWith(`${chatId}-`) ? id.slice(chatId.length + 1) : id;
  return rows.flatMap((row) => {
    const found = v.safeParse(MessageRow, row);
    if (!found.success) return [];
    const { id, parent_id, content, model_id, files, sources, usage, created_at, ...rest } =
      found.output;
    return [{
      ...rest,
      id: own(id),
      parentId: parent_id === null ? null : own(parent_id),
      childrenIds: [],
      content: textOf(content),
      ...(model_id !== null && { model: model_id }),
      ...(Array.isArray(files) && { files }),
      ...(Array.isArray(sources) && { sources }),
      ...(isObject(usage) && { usage }),
      ...(created_at !== null && { timestamp: created_at }),
    }];
  });
}

/** A message is named by its parent, whichever of the two came from where. */
function nameChildren(messages: ReadonlyMap<string, ChatMessage>): void {
  for (const message of messages.values()) {
    message.childrenIds = message.childrenIds.filter((id) => messages.has(id));
    const parent = messages.get(message.parentId ?? "");
    if (parent && !parent.childrenIds.includes(message.id)) parent.childrenIds.push(message.id);
  }
}

/** A text, or the texts among the parts of a message. */
function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content.map((part) => fieldsOf(part).text).filter((text) => typeof text === "string")
    .join("\n");
}

const fieldsOf = (value: unknown): Record<string, unknown> => isObject(value) ? value : {};
