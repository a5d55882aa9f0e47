import * as v from "valibot";
import { JsonColumn } from "../openwebui/columns.ts";
import type { Database, Parameter, Row } from "../openwebui/database.ts";
import type { AccessGrant } from "../protocol/access_grants.ts";

/** A chat can weigh megabytes. */
const PAGE = 50;

export const id = v.pipe(v.string(), v.minLength(1));
export const text = v.fallback(v.string(), "");
export const nullableText = v.fallback(v.nullable(v.string()), null);
export const details = v.pipe(
  JsonColumn,
  v.fallback(v.nullable(v.custom<Record<string, unknown>>(isObject)), null),
);
/** Seconds, milliseconds, microseconds or nanoseconds since the epoch, as text, in milliseconds. */
export const timeMs = v.pipe(v.unknown(), v.transform((value) => millisecondsOf(Number(value))));

function millisecondsOf(time: number): number {
  if (!Number.isFinite(time) || time <= 0) return 0;
  if (time >= 1e17) return time / 1e6;
  if (time >= 1e14) return time / 1e3;
  return time >= 1e11 ? time : time * 1e3;
}
export const seconds = v.pipe(timeMs, v.transform((ms) => Math.floor(ms / 1_000)));

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const GrantRow = v.object({
  resource_id: id,
  principal_type: v.picklist(["user", "group"]),
  principal_id: id,
  permission: v.picklist(["read", "write"]),
});

/** Reads tables a page at a time, and counts the rows that are of no use. */
export class Reader {
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
