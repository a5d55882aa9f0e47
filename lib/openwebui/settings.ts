import * as v from "valibot";
import { JsonColumn, TextColumn } from "./columns.ts";
import type { Database } from "./database.ts";

const RowSchema = v.object({ key: TextColumn, value: JsonColumn });

/** Settings change by an admin's hand: this late they are seen here. */
const FRESH_FOR_MS = 2_000;

export const SETTINGS = [
  "auth.mfa.enable",
  "auth.mfa.allow_oauth_bypass",
  "auth.mfa.allow_trusted_header_bypass",
  "user.permissions",
] as const;
export type SettingKey = typeof SETTINGS[number];

/** The rows of Open WebUI's table `config` that the real-time layer goes by. */
export class Settings {
  readonly #database: Database;
  readonly #isPersistent: boolean;
  #values: Promise<ReadonlyMap<string, unknown>> | undefined;
  #readAtMs = -Infinity;

  /** `isPersistent`: `ENABLE_PERSISTENT_CONFIG`; without it the rows are not what counts. */
  constructor(database: Database, { isPersistent }: { isPersistent: boolean }) {
    this.#database = database;
    this.#isPersistent = isPersistent;
  }

  /** The setting, or `undefined` where the database has none. */
  async get(key: SettingKey): Promise<unknown> {
    if (!this.#isPersistent) return undefined;
    const nowMs = performance.now();
    if (!this.#values || nowMs - this.#readAtMs > FRESH_FOR_MS) {
      this.#readAtMs = nowMs;
      this.#values = this.#read();
      // A failed reading is not kept: whoever asks next tries again.
      this.#values.catch(() => this.#values = undefined);
    }
    return (await this.#values).get(key);
  }

  async #read(): Promise<ReadonlyMap<string, unknown>> {
    const rows = await this.#database.query(
      `SELECT key, value FROM config WHERE key IN ${this.#database.dialect.list("$1")}`,
      [JSON.stringify(SETTINGS)],
    );
    return new Map(rows.map((row) => {
      const { key, value } = v.parse(RowSchema, row);
      return [key, value];
    }));
  }
}
