import * as v from "valibot";
import { FlagColumn, JsonColumn, TextColumn } from "./columns.ts";
import type { Database } from "./database.ts";
import { isGranted, memberships } from "./grants.ts";
import type { Schema } from "./schema.ts";

/** What one may do with a note. */
export interface NoteAccess {
  read: boolean;
  write: boolean;
}

const AccessSchema = v.object({
  note_id: TextColumn,
  user_id: TextColumn,
  is_owner: FlagColumn,
  is_read: FlagColumn,
  is_written: FlagColumn,
});
const DataSchema = v.object({ data: JsonColumn });

const CONTENT = "content";

/** Open WebUI's notes: who may, what is in them, and saving what editors made of it. */
export class Notes {
  readonly #database: Database;
  readonly #access: string;

  constructor(database: Database, schema: Schema) {
    this.#database = database;
    const pairs = database.dialect.pairs("$1");
    const granted = (permission: "read" | "write") =>
      isGranted({ type: "note", resource: "n.id", permission, user: "p.a" });
    this.#access = `WITH RECURSIVE ${
      memberships(schema, `(SELECT a FROM ${pairs} AS asked)`)
    } SELECT n.id AS note_id, p.a AS user_id, n.user_id = p.a AS is_owner,
        ${granted("read")} AS is_read, ${granted("write")} AS is_written
      FROM ${pairs} AS p JOIN note n ON n.id = p.b`;
  }

  /**
   * What each user may do with each note, in one query: keys are `{user}/{note}`. A note that is gone
   * is missing. To write does not mean to read, as in Open WebUI; admins are not asked about here.
   */
  async access(
    asked: readonly (readonly [userId: string, noteId: string])[],
  ): Promise<Map<string, NoteAccess>> {
    if (asked.length === 0) return new Map();
    const rows = await this.#database.query(this.#access, [JSON.stringify(asked)]);
    return new Map(rows.map((row) => {
      const { note_id, user_id, is_owner, is_read, is_written } = v.parse(AccessSchema, row);
      return [`${user_id}/${note_id}`, {
        read: is_owner || is_read,
        write: is_owner || is_written,
      }];
    }));
  }

  async exists(noteId: string): Promise<boolean> {
    return (await this.#database.query("SELECT id FROM note WHERE id = $1", [noteId])).length > 0;
  }

  /** `data.content` of the note (`{md, html, json}`), null when it has none; `undefined`: no such note. */
  async content(noteId: string): Promise<unknown> {
    const [row] = await this.#database.query("SELECT data FROM note WHERE id = $1", [noteId]);
    if (!row) return undefined;
    const { data } = v.parse(DataSchema, row);
    return (data as Record<string, unknown> | null)?.[CONTENT] ?? null;
  }

  /**
   * Replaces `data.content`, and nothing else of the note, as one atomic statement: what Python wrote
   * meanwhile stays. The time is in nanoseconds. Says whether the note is there.
   */
  async save(noteId: string, content: unknown, nanoseconds: bigint): Promise<boolean> {
    const { dialect } = this.#database;
    const rows = await this.#database.query(
      `UPDATE note SET data = ${dialect.withMember("data", CONTENT, "$2")},
         updated_at = CAST($3 AS BIGINT)
       WHERE id = $1 RETURNING id`,
      // Postgres takes no U+0000 in JSON, and nobody can see one.
      [noteId, JSON.stringify(content).replaceAll("\\u0000", ""), String(nanoseconds)],
    );
    return rows.length > 0;
  }
}
