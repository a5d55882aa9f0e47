/**
 * Open WebUI's database as lines. Its tables of people and their things are read; what has no place
 * here (folders, files, knowledge, prompts, tools, settings, tags) is left out.
 */
import * as v from "valibot";
import { FlagColumn } from "../openwebui/columns.ts";
import type { Database } from "../openwebui/database.ts";
import { readSchema } from "../openwebui/schema.ts";
import { APP_VERSION, SCHEMA_VERSION } from "../state/schema.ts";
import type { Line } from "./lines.ts";
import { normalisedEmail } from "../users/user_record.ts";
import { channels } from "./open_webui_channels.ts";
import { chatLines } from "./open_webui_chats.ts";
import {
  details,
  id,
  isObject,
  nullableText,
  Reader,
  seconds,
  text,
  timeMs,
} from "./open_webui_reader.ts";
import type { NumberedLine } from "./transfer.ts";

const times = { created_at: seconds, updated_at: seconds };
const UserRow = v.object({
  ...{ id, name: text, email: v.string(), role: text, profile_image_url: nullableText },
  ...{ last_active_at: seconds, ...times, password: nullableText, active: FlagColumn },
});
const GroupRow = v.object({
  ...{ id, user_id: id, name: text, description: text, permissions: details },
  ...{ data: details, meta: details, ...times },
});
const MemberOfGroupRow = v.object({ id, group_id: id, user_id: id, created_at: seconds });
const NoteRow = v.object({
  ...{ id, user_id: id, title: text, data: details, meta: details, created_at: seconds },
  updated_at: timeMs,
});
/**
 * All that has a place here. `tell` is told what had none.
 *
 * @throws {AppError} `unavailable` for a database that is not a supported Open WebUI's
 */
export async function* importOpenWebui(
  database: Database,
  tell: (line: string) => void,
): AsyncGenerator<NumberedLine> {
  const { version } = await readSchema(database);
  if (version === undefined) {
    tell("This version of Open WebUI was never tried: look at the result.");
  }
  let number = 0;
  const numbered = (line: Line): NumberedLine => ({
    line,
    number: ++number,
    // Counted for memory only: what is long is text.
    chars: line.type === "chat_message" ? line.record.message.content.length : 1_000,
  });
  const header = { project: "webui-realtime", schema: SCHEMA_VERSION, written_by: APP_VERSION };
  yield numbered({ type: "header", record: { ...header, project: "webui-realtime" } });
  const reader = new Reader(database, tell);
  for (const part of [users, groups, chats, notes, channels]) {
    for await (const line of part(reader)) yield numbered(line);
  }
  reader.tellLeft();
  yield numbered({ type: "end", record: {} });
}

async function* users(reader: Reader): AsyncGenerator<Line> {
  const names = ["id", "name", "email", "role", "profile_image_url"];
  const columns = await reader.columns(
    "user",
    [...names, "last_active_at", "created_at", "updated_at"],
    "u",
  );
  const statement = `SELECT ${columns}, a.password, a.active FROM "user" u
    JOIN auth a ON a.id = u.id WHERE u.id > $1 ORDER BY u.id`;
  for await (const { password, active, ...user } of reader.rows(UserRow, statement)) {
    // Whom an admin has locked out there must not get in here.
    const role = active && (user.role === "admin" || user.role === "user") ? user.role : "pending";
    yield {
      type: "user",
      record: {
        ...user,
        role,
        email: normalisedEmail(user.email),
        profile_image_url: user.profile_image_url ?? "/user.png",
        ...(password && { password_hash: password }),
      },
    };
  }
}

async function* groups(reader: Reader): AsyncGenerator<Line> {
  const names = ["id", "user_id", "name", "description", "permissions", "data", "meta"];
  const columns = await reader.columns("group", [...names, "created_at", "updated_at"], "g");
  const statement = `SELECT ${columns} FROM "group" g WHERE g.id > $1 ORDER BY g.id`;
  for await (const record of reader.rows(GroupRow, statement)) yield { type: "group", record };
  const ofMember = await reader.columns("group_member", [
    "id",
    "group_id",
    "user_id",
    "created_at",
  ]);
  const members = `SELECT ${ofMember} FROM group_member WHERE id > $1 ORDER BY id`;
  for await (const row of reader.rows(MemberOfGroupRow, members)) {
    const { group_id, user_id, created_at: joined_at } = row;
    yield { type: "group_member", record: { group_id, user_id, joined_at } };
  }
}

const ChatRow = v.object({
  ...{ id, user_id: id, title: text, chat: details, meta: details, ...times },
  last_read_at: seconds,
  pinned: v.optional(FlagColumn, false),
});

async function* chats(reader: Reader): AsyncGenerator<Line> {
  const names = ["id", "user_id", "title", "chat", "meta"];
  const columns = await reader.columns(
    "chat",
    [...names, "created_at", "updated_at", "last_read_at", "pinned"],
  );
  const statement = `SELECT ${columns} FROM chat WHERE id > $1 ORDER BY id`;
  for await (const row of reader.rows(ChatRow, statement)) {
    yield* chatLines(reader.database, row);
  }
}

async function* notes(reader: Reader): AsyncGenerator<Line> {
  const names = ["id", "user_id", "title", "data", "meta", "created_at", "updated_at"];
  const columns = await reader.columns("note", names);
  const statement = `SELECT ${columns} FROM note WHERE id > $1 ORDER BY id`;
  for await (const { data, updated_at, ...note } of reader.rows(NoteRow, statement)) {
    const access_grants = await reader.grantsOf("note", note.id);
    const content = isObject(data?.["content"]) ? data["content"] : null;
    const md = typeof content?.["md"] === "string" ? content["md"] : "";
    yield {
      type: "note",
      record: {
        note: {
          ...{ ...note, access_grants, preview: md.slice(0, 1_000) },
          updated_at: Math.floor(updated_at / 1_000),
        },
        data: data && { ...data, content },
        listed_at: updated_at,
      },
    };
  }
}
