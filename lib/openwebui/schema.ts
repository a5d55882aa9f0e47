import * as v from "valibot";
import { AppError } from "../common/errors.ts";
import type { Database } from "./database.ts";

/** Columns without which nothing works, as all versions from the oldest supported one on have them. */
const NEEDED = {
  user: ["id", "name", "email", "role", "last_active_at"],
  auth: ["id", "active"],
  config: ["key", "value"],
  channel: ["id", "user_id", "type", "archived_at", "deleted_at"],
  channel_member: ["channel_id", "user_id", "is_active", "last_read_at", "updated_at"],
  access_grant: [
    "resource_type",
    "resource_id",
    "principal_type",
    "principal_id",
    "permission",
  ],
  group: ["id", "permissions"],
  group_member: ["group_id", "user_id"],
  note: ["id", "user_id", "data", "updated_at"],
  chat: ["id", "user_id", "updated_at", "last_read_at", "archived", "folder_id", "meta"],
  chat_message: ["chat_id", "role", "done"],
  folder: ["id", "parent_id", "user_id", "data"],
  shared_chat: ["chat_id", "chat", "updated_at"],
  alembic_version: ["version_num"],
} as const;

/** Columns that came later: what they are for is left out where they are missing. */
const LATER = {
  auth: ["session_stamp", "mfa"],
  group: ["parent_group_id"],
  chat: ["timer_at"],
} as const;

/** The newest migration of each version that was tried, and the version's name. */
const TESTED: Readonly<Record<string, string>> = {
  "d4c1a8e37b62": "0.11.3 or 0.11.4",
  "b8f2c6d91a04": "0.12.0",
  "0bd252b206fb": "0.12.4",
};

/** What is known of an Open WebUI's database. */
export interface Schema {
  /** Its newest migration. */
  head: string;
  /** The version of Open WebUI that has it; `undefined`: one that was never tried with this project. */
  version: string | undefined;
  /** Whether accounts have a stamp that their tokens must carry, and a second factor (0.12.0). */
  hasSessionStamps: boolean;
  /** Whether groups are within groups (0.12.0). */
  hasNestedGroups: boolean;
  /** Whether chats have timers that reading ends (0.11.3). */
  hasTimers: boolean;
}

/** The versions that were tried, for messages. */
export const TESTED_VERSIONS = Object.values(TESTED).join(", ");

const NameSchema = v.object({ name: v.string() });
const HeadSchema = v.object({ version_num: v.string() });

/** The database's newest migration; empty when there is none. */
export async function readHead(database: Database): Promise<string> {
  const [row] = await database.query("SELECT version_num FROM alembic_version");
  return row ? v.parse(HeadSchema, row).version_num : "";
}

/**
 * Looks whether the database is one that can be read and written here.
 *
 * @throws {AppError} `unavailable` naming every table and column that is missing
 */
export async function readSchema(database: Database): Promise<Schema> {
  const tables = Object.keys(NEEDED) as (keyof typeof NEEDED)[];
  const present = new Map(
    await Promise.all(tables.map(async (table) => {
      const rows = await database.query(database.dialect.columns("$1"), [table]);
      return [table, new Set(rows.map((row) => v.parse(NameSchema, row).name))] as const;
    })),
  );
  const has = (table: keyof typeof NEEDED, column: string) =>
    present.get(table)?.has(column) === true;

  const missing = tables.flatMap((table) => {
    if (present.get(table)?.size === 0) return [`the table ${table}`];
    return NEEDED[table].filter((column) => !has(table, column)).map((name) => `${table}.${name}`);
  });
  if (missing.length > 0) {
    throw new AppError(
      "unavailable",
      `This is no database of a supported Open WebUI (${TESTED_VERSIONS}). Missing: ${
        missing.join(", ")
      }`,
    );
  }
  const head = await readHead(database);
  return {
    head,
    version: TESTED[head],
    hasSessionStamps: LATER.auth.every((column) => has("auth", column)),
    hasNestedGroups: LATER.group.every((column) => has("group", column)),
    hasTimers: LATER.chat.every((column) => has("chat", column)),
  };
}
