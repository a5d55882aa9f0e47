import * as v from "valibot";
import { FlagColumn, JsonColumn, NumberColumn, TextColumn } from "./columns.ts";
import type { Database } from "./database.ts";
import { isGranted, memberships } from "./grants.ts";
import type { Schema } from "./schema.ts";

/** Who asks for a chat. */
export interface Reader {
  id: string;
  role: string;
}

export interface ChatAccess {
  isOwner: boolean;
  read: boolean;
  write: boolean;
}

export interface ReadMark {
  /** Unix seconds. */
  lastReadAt: number;
  /** Whether there was something new. */
  wasUnread: boolean;
}

const AccessSchema = v.object({
  chat_id: TextColumn,
  user_id: TextColumn,
  is_owner: FlagColumn,
  meta: JsonColumn,
  is_shared: FlagColumn,
  is_in_folder: FlagColumn,
  folder_data: JsonColumn,
});
const MarkSchema = v.object({
  updated_at: NumberColumn,
  last_read_at: v.nullish(NumberColumn, null),
});
const FolderSchema = v.object({ id: TextColumn, parent_id: v.nullish(TextColumn, null) });
const CountSchema = v.object({ folder_id: TextColumn, unread: NumberColumn });
const TimerSchema = v.object({ id: TextColumn, meta: JsonColumn });

/** A chat that others may go on with. */
const CONTINUE = "continue";

const fieldsOf = (value: unknown) => (value ?? {}) as Record<string, unknown>;

/** Open WebUI's chats: who may look, what was read, and what reading ends. */
export class Chats {
  readonly #database: Database;
  readonly #hasTimers: boolean;
  readonly #isOpenToAdmins: boolean;
  readonly #access: string;

  /** `isOpenToAdmins`: `ENABLE_ADMIN_CHAT_ACCESS`. */
  constructor(
    database: Database,
    schema: Schema,
    { isOpenToAdmins }: { isOpenToAdmins: boolean },
  ) {
    this.#database = database;
    this.#hasTimers = schema.hasTimers;
    this.#isOpenToAdmins = isOpenToAdmins;
    const pairs = database.dialect.pairs("$1");
    const shared = isGranted({
      type: "shared_chat",
      resource: "c.id",
      permission: "read",
      user: "p.a",
    });
    const inFolder = isGranted({
      type: "folder",
      resource: "f.id",
      permission: "read",
      user: "p.a",
    });
    // The union ends at a folder that was seen, so that a ring of folders ends, too.
    this.#access = `WITH RECURSIVE ${
      memberships(schema, `(SELECT a FROM ${pairs} AS asked)`)
    }, above(chat_id, folder_id) AS (
        SELECT CAST(c.id AS TEXT), CAST(c.folder_id AS TEXT) FROM chat c
          WHERE c.folder_id IS NOT NULL AND c.id IN (SELECT b FROM ${pairs} AS chats)
        UNION SELECT above.chat_id, CAST(f.parent_id AS TEXT) FROM folder f
          JOIN above ON f.id = above.folder_id WHERE f.parent_id IS NOT NULL)
      SELECT c.id AS chat_id, p.a AS user_id, c.user_id = p.a AS is_owner, c.meta,
        ((SELECT s.chat->>'share_mode' FROM shared_chat s WHERE s.chat_id = c.id
          ORDER BY s.updated_at DESC LIMIT 1) = '${CONTINUE}' AND ${shared}) AS is_shared,
        EXISTS (SELECT 1 FROM above JOIN folder f ON f.id = above.folder_id
          WHERE above.chat_id = c.id AND (f.user_id = p.a OR ${inFolder})) AS is_in_folder,
        (SELECT f.data FROM folder f WHERE f.id = c.folder_id) AS folder_data
      FROM ${pairs} AS p JOIN chat c ON c.id = p.b`;
  }

  /** What each reader may do with each chat, in one query: keys are `{user}/{chat}`. */
  async access(
    asked: readonly (readonly [reader: Reader, chatId: string])[],
  ): Promise<Map<string, ChatAccess>> {
    if (asked.length === 0) return new Map();
    const roles = new Map(asked.map(([{ id, role }]) => [id, role]));
    const pairs = asked.map(([{ id }, chatId]) => [id, chatId]);
    const rows = await this.#database.query(this.#access, [JSON.stringify(pairs)]);
    return new Map(rows.map((row) => {
      const found = v.parse(AccessSchema, row);
      const isAdmin = roles.get(found.user_id) === "admin";
      const isInternal = fieldsOf(found.meta)["internal"] === true;
      const isContinued = fieldsOf(found.folder_data)["share_mode"] === CONTINUE;
      const write = found.is_owner || found.is_shared || (found.is_in_folder && isContinued);
      const read = write || found.is_in_folder ||
        (isAdmin && (this.#isOpenToAdmins || isInternal));
      return [`${found.user_id}/${found.chat_id}`, { isOwner: found.is_owner, read, write }];
    }));
  }

  /** Stores that the owner has read all by now (unix seconds); `undefined`: not their chat. */
  async markRead(userId: string, chatId: string, seconds: number): Promise<ReadMark | undefined> {
    const of = [chatId, userId];
    const [row] = await this.#database.query(
      "SELECT updated_at, last_read_at FROM chat WHERE id = $1 AND user_id = $2",
      of,
    );
    if (!row) return undefined;
    const { updated_at, last_read_at } = v.parse(MarkSchema, row);
    await this.#database.query(
      "UPDATE chat SET last_read_at = CAST($3 AS BIGINT) WHERE id = $1 AND user_id = $2",
      [...of, String(seconds)],
    );
    return { lastReadAt: seconds, wasUnread: last_read_at === null || updated_at > last_read_at };
  }

  /** How many unread chats each of the user's folders holds, those in folders below it included. */
  async folderUnread(userId: string): Promise<Record<string, number>> {
    const [folderRows, countRows] = await Promise.all([
      this.#database.query("SELECT id, parent_id FROM folder WHERE user_id = $1", [userId]),
      this.#database.query(
        `SELECT c.folder_id, count(*) AS unread FROM chat c
         WHERE c.user_id = $1 AND c.folder_id IS NOT NULL AND NOT c.archived
           AND c.updated_at > coalesce(c.last_read_at, 0)
           AND NOT EXISTS (SELECT 1 FROM chat_message m
             WHERE m.chat_id = c.id AND m.role = 'assistant' AND m.done = FALSE)
         GROUP BY c.folder_id`,
        [userId],
      ),
    ]);
    const folders = folderRows.map((row) => v.parse(FolderSchema, row));
    const parents = new Map(folders.map(({ id, parent_id }) => [id, parent_id]));
    const counts = new Map(folders.map(({ id }) => [id, 0]));
    for (const row of countRows) {
      const { folder_id, unread } = v.parse(CountSchema, row);
      const seen = new Set<string>();
      for (
        let at: string | null = folder_id;
        at !== null && counts.has(at) && !seen.has(at);
        at = parents.get(at) ?? null
      ) {
        seen.add(at);
        counts.set(at, (counts.get(at) ?? 0) + unread);
      }
    }
    return Object.fromEntries(counts);
  }

  /** Ends the timers of the chat that its owner's reading ends. `nowMs`: unix milliseconds. */
  async cancelTimers(userId: string, chatId: string, nowMs: number): Promise<void> {
    if (!this.#hasTimers) return;
    const rows = await this.#database.query(
      `SELECT id, meta FROM chat WHERE timer_at IS NOT NULL AND user_id = $1
         AND meta->>'parent_chat_id' = $2 AND meta->>'status' = 'pending'`,
      [userId, chatId],
    );
    for (const row of rows) {
      const { id, meta } = v.parse(TimerSchema, row);
      const ends = fieldsOf(meta)["cancel_on"];
      if (!Array.isArray(ends) || !ends.includes("chat.read")) continue;
      const change = JSON.stringify({
        status: "cancelled",
        timer_cancelled_at: nowMs * 1_000_000,
        timer_cancelled_by: "chat.read",
      });
      await this.#database.query(
        `UPDATE chat SET meta = ${this.#database.dialect.merged("meta", "$2")}, timer_at = NULL,
           updated_at = CAST($3 AS BIGINT)
         WHERE id = $1 AND meta->>'status' = 'pending'`,
        [id, change, String(Math.floor(nowMs / 1_000))],
      );
    }
  }
}
