import * as v from "valibot";
import { FlagColumn, JsonColumn, TextColumn } from "./columns.ts";
import type { Database } from "./database.ts";
import type { Schema } from "./schema.ts";

const nullableText = v.nullish(TextColumn, null);

const AccountSchema = v.object({
  id: TextColumn,
  name: v.nullish(TextColumn, ""),
  email: v.nullish(TextColumn, ""),
  role: v.nullish(TextColumn, ""),
  active: FlagColumn,
  session_stamp: nullableText,
  mfa: JsonColumn,
});

/** As Open WebUI's own processes, by default. */
const ACTIVE_EVERY_SECONDS = 60;

/** A user, and what their tokens are measured by. */
export type Account = v.InferOutput<typeof AccountSchema>;

/** The users, and their accounts of Open WebUI's table `auth`. */
export class Accounts {
  readonly #database: Database;
  readonly #select: string;

  constructor(database: Database, { hasSessionStamps }: Schema) {
    this.#database = database;
    const stamp = hasSessionStamps
      ? "a.session_stamp, a.mfa"
      : "NULL AS session_stamp, NULL AS mfa";
    this.#select = `SELECT u.id, u.name, u.email, u.role, a.active, ${stamp}
      FROM "user" u JOIN auth a ON a.id = u.id WHERE u.id IN ${database.dialect.list("$1")}`;
  }

  /** The users that exist and have an account, by their ids, in one query however many they are. */
  async find(userIds: readonly string[]): Promise<Map<string, Account>> {
    if (userIds.length === 0) return new Map();
    const rows = await this.#database.query(this.#select, [JSON.stringify(userIds)]);
    const accounts = rows.map((row) => v.parse(AccountSchema, row));
    return new Map(accounts.map((account) => [account.id, account]));
  }

  /**
   * Stores that the users were active, at a time in unix seconds: each once a minute at the most,
   * whichever instance or process of Python wrote it last.
   */
  async touch(userIds: readonly string[], seconds: number): Promise<void> {
    if (userIds.length === 0) return;
    await this.#database.query(
      `UPDATE "user" SET last_active_at = CAST($2 AS BIGINT)
       WHERE id IN ${this.#database.dialect.list("$1")}
         AND coalesce(last_active_at, 0) <= CAST($2 AS BIGINT) - ${ACTIVE_EVERY_SECONDS}`,
      [JSON.stringify(userIds), String(seconds)],
    );
  }
}
