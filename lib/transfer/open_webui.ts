/**
 * Open WebUI's database as lines. Its tables of people and their things are read; what has no place
 * here (folders, files, knowledge, prompts, tools, settings, tags) is left out.
 */
import * as v from "valibot";
import { directChannelId } from "../channels/direct_channel_id.ts";
import { FlagColumn, JsonColumn } from "../openwebui/columns.ts";
import type { Database, Parameter, Row } from "../openwebui/database.ts";
import { readSchema } from "../openwebui/schema.ts";
import type { AccessGrant } from "../protocol/access_grants.ts";
import { APP_VERSION, SCHEMA_VERSION } from "../state/schema.ts";
import type { Line } from "./lines.ts";
import { chatLines } from "./open_webui_chats.ts";
import type { NumberedLine } from "./transfer.ts";

/** A chat can weigh megabytes. */
const PAGE = 50;

const id = v.pipe(v.string(), v.minLength(1));
const text = v.fallback(v.string(), "");
const nullableText = v.fallback(v.nullable(v.string()), null);
const details = v.pipe(
  JsonColumn,
  v.fallback(v.nullable(v.custom<Record<string, unknown>>(isObject)), null),
);
/** Seconds, milliseconds, microseconds or nanoseconds since the epoch, as text, in milliseconds. */
const timeMs = v.pipe(v.unknown(), v.transform((value) => millisecondsOf(Number(value))));

function millisecondsOf(time: number): number {
  if (!Number.isFinite(time) || time <= 0) return 0;
  if (time >= 1e17) return time / 1e6;
  if (time >= 1e14) return time / 1e3;
  return time >= 1e11 ? time : time * 1e3;
}
const seconds = v.pipe(timeMs, v.transform((ms) => Math.floor(ms / 1_000)));

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

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
const ChannelRow = v.object({
  ...{ id, user_id: id, type: nullableText, name: text, description: nullableText },
  ...{ is_private: v.nullable(FlagColumn), data: details, meta: details, created_at: seconds },
  updated_at: timeMs,
});
const MemberRow = v.object({
  ...{ id, user_id: id, role: nullableText, invited_by: nullableText, joined_at: seconds },
  last_read_at: timeMs,
});
const MessageRow = v.object({
  ...{ id, user_id: id, parent_id: nullableText, reply_to_id: nullableText, content: text },
  ...{ data: details, meta: details, created_at: timeMs, updated_at: seconds },
  ...{ is_pinned: FlagColumn, pinned_at: timeMs, pinned_by: nullableText },
});
const ReactionRow = v.object({ message_id: id, user_id: id, name: v.string() });
const GrantRow = v.object({
  resource_id: id,
  principal_type: v.picklist(["user", "group"]),
  principal_id: id,
  permission: v.picklist(["read", "write"]),
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

/** Reads tables a page at a time, and counts the rows that are of no use. */
class Reader {
  readonly database: Database;
  readonly #tell: (line: string) => void;
  readonly #left = new Map<string, number>();

  constructor(database: Database, tell: (line: string) => void) {
    this.database = database;
    this.#tell = tell;
  }

  /** The rows of a statement with `$1` for the id behind which it begins, and `id` among its columns. */
  async *rows<T extends { id: string }>(
    schema: v.GenericSchema<unknown, T>,
    statement: string,
    ...more: Parameter[]
  ): AsyncGenerator<T> {
    let last = "";
    while (true) {
      const page = await this.database.query(`${statement} LIMIT ${PAGE}`, [last, ...more]);
      for (const row of page) {
        const found = this.read(schema, row);
        if (found) yield found;
      }
      const end = page.at(-1)?.["id"];
      if (page.length < PAGE || typeof end !== "string") return;
      last = end;
    }
  }

  read<T>(schema: v.GenericSchema<unknown, T>, row: Row): T | undefined {
    const result = v.safeParse(schema, row);
    if (result.success) return result.output;
    this.leave(`rows whose ${v.getDotPath(result.issues[0]) ?? "columns"} can't be read`);
    return undefined;
  }

  leave(what: string): void {
    this.#left.set(what, (this.#left.get(what) ?? 0) + 1);
  }

  tellLeft(): void {
    for (const [what, count] of this.#left) this.#tell(`left out: ${count} ${what}`);
  }

  /** The statement's columns, those that a version does not have as NULL. */
  async columns(table: string, names: readonly string[], alias = table): Promise<string> {
    const rows = await this.database.query(this.database.dialect.columns("$1"), [table]);
    const present = new Set(rows.map((row) => row["name"]));
    return names.map((name) => {
      if (!present.has(name)) return `NULL AS ${name}`;
      // Beyond what a number holds, where they are nanoseconds.
      if (name.endsWith("_at")) return `CAST(${alias}.${name} AS TEXT) AS ${name}`;
      return `${alias}.${name}`;
    }).join(", ");
  }

  async grantsOf(type: string, resourceId: string): Promise<AccessGrant[]> {
    const rows = await this.database.query(
      `SELECT resource_id, principal_type, principal_id, permission FROM access_grant
       WHERE resource_type = $1 AND resource_id = $2`,
      [type, resourceId],
    );
    return rows.flatMap((row) => {
      const grant = this.read(GrantRow, row);
      if (!grant) return [];
      const { resource_id: _, ...rest } = grant;
      return [rest];
    });
  }
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
        email: user.email.trim().normalize("NFC").toLowerCase(),
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
});

async function* chats(reader: Reader): AsyncGenerator<Line> {
  const names = ["id", "user_id", "title", "chat", "meta"];
  const columns = await reader.columns(
    "chat",
    [...names, "created_at", "updated_at", "last_read_at"],
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

async function* channels(reader: Reader): AsyncGenerator<Line> {
  const names = ["id", "user_id", "type", "name", "description", "is_private", "data", "meta"];
  const columns = await reader.columns("channel", [...names, "created_at", "updated_at"]);
  const statement = `SELECT ${columns} FROM channel
    WHERE id > $1 AND deleted_at IS NULL ORDER BY id`;
  for await (const { updated_at, type: kind, ...row } of reader.rows(ChannelRow, statement)) {
    const type: "group" | "dm" | null = kind === "group" || kind === "dm" ? kind : null;
    if (type === null && kind) {
      reader.leave(`channels of the type ${kind}`);
      continue;
    }
    const members = await Array.fromAsync(channelMembers(reader, row.id));
    // Here the same people have one direct channel, whose id says so.
    const channelId = type === "dm"
      ? await directChannelId([...new Set([row.user_id, ...members.map((one) => one.user_id)])])
      : row.id;
    const access_grants = type === null ? await reader.grantsOf("channel", row.id) : [];
    const channel = {
      ...{ ...row, id: channelId, type, access_grants },
      is_private: row.is_private ?? type !== null,
      updated_at: Math.floor(updated_at / 1_000),
    };
    yield { type: "channel", record: { channel, listed_at: updated_at } };
    for (const { id: _, user_id, role, invited_by, joined_at, last_read_at } of members) {
      const membership = {
        channel_id: channelId,
        user_id,
        invited_by: invited_by ?? "",
        joined_at,
      };
      if (type !== null) {
        const isManager = role === "manager" || role === "owner" || role === "admin";
        const record = { ...membership, role: isManager ? "manager" as const : "member" as const };
        yield { type: "channel_member", record };
      }
      if (last_read_at === 0) continue;
      const mark = { at: Math.floor(last_read_at / 1_000), position: last_read_at };
      yield { type: "channel_read", record: { channel_id: channelId, user_id, ...mark } };
    }
    yield* channelMessages(reader, row.id, channelId);
  }
}

async function* channelMembers(reader: Reader, channelId: string) {
  const names = ["id", "user_id", "role", "invited_by", "joined_at", "last_read_at"];
  const columns = await reader.columns("channel_member", names);
  yield* reader.rows(
    MemberRow,
    `SELECT ${columns} FROM channel_member WHERE id > $1 AND channel_id = $2
       AND user_id IS NOT NULL AND (is_active IS NULL OR is_active) ORDER BY id`,
    channelId,
  );
}

async function* channelMessages(
  reader: Reader,
  from: string,
  channel_id: string,
): AsyncGenerator<Line> {
  const names = ["id", "user_id", "parent_id", "reply_to_id", "content", "data", "meta"];
  const more = ["is_pinned", "pinned_at", "pinned_by", "created_at", "updated_at"];
  const columns = await reader.columns("message", [...names, ...more]);
  const statement = `SELECT ${columns} FROM message WHERE id > $1 AND channel_id = $2 ORDER BY id`;
  const threads = new Set(
    (await reader.database.query(
      "SELECT DISTINCT parent_id FROM message WHERE channel_id = $1 AND parent_id IS NOT NULL",
      [from],
    )).map((row) => row["parent_id"]),
  );
  for await (const { created_at, pinned_at, ...row } of reader.rows(MessageRow, statement, from)) {
    yield {
      type: "channel_message",
      record: {
        ...{ ...row, channel_id, position: created_at, created_at: Math.floor(created_at / 1_000) },
        pinned_at: row.is_pinned ? Math.floor(pinned_at / 1_000) : null,
        reactions: await reactionsOf(reader, row.id),
        ...(threads.has(row.id) && { has_replies: true }),
      },
    };
    if (!row.is_pinned) continue;
    yield { type: "channel_pin", record: { channel_id, message_id: row.id, position: pinned_at } };
  }
}

async function reactionsOf(reader: Reader, messageId: string): Promise<Record<string, string[]>> {
  const rows = await reader.database.query(
    "SELECT message_id, user_id, name FROM message_reaction WHERE message_id = $1 ORDER BY created_at",
    [messageId],
  );
  const found = rows.flatMap((row) => reader.read(ReactionRow, row) ?? []);
  const byName = Map.groupBy(found, ({ name }) => name);
  return Object.fromEntries(
    [...byName].map(([name, all]) => [name, all.map((one) => one.user_id)]),
  );
}
