/**
 * Open WebUI's own database, as far as the real-time layer asks it. Statements are written once for
 * both engines: parameters are `$1`, `$2`, …, each statement is one transaction, and what the engines
 * say differently comes from the {@linkcode Dialect}.
 */

/** What a statement may be given. A list goes as JSON, see {@linkcode Dialect.list}. */
export type Parameter = string | number | null;

export type Row = Record<string, unknown>;

/** What SQLite and Postgres say differently. */
export interface Dialect {
  readonly name: "sqlite" | "postgres";
  /** A subquery of the strings in the JSON array that the parameter holds. */
  list(parameter: string): string;
  /** A subquery of the columns `a` and `b`: the pairs of strings in the JSON array of arrays. */
  pairs(parameter: string): string;
  /** Of a JSON object, with one member replaced by the JSON text in the parameter. */
  withMember(column: string, member: string, parameter: string): string;
  /** Of a JSON object, with all members of the JSON object in the parameter. */
  merged(column: string, parameter: string): string;
  /** The columns that a table has: rows of `name`. The table's name is the parameter. */
  columns(parameter: string): string;
}

export interface Database extends AsyncDisposable {
  readonly dialect: Dialect;
  /**
   * Runs one statement, and returns its rows.
   *
   * @throws {AppError} `unavailable` when the database can't be reached, or takes longer than its limit
   */
  query(statement: string, parameters?: readonly Parameter[]): Promise<Row[]>;
}

export const sqliteDialect: Dialect = {
  name: "sqlite",
  list: (parameter) => `(SELECT value FROM json_each(${parameter}))`,
  pairs: (parameter) => `(SELECT value->>0 AS a, value->>1 AS b FROM json_each(${parameter}))`,
  withMember: (column, member, parameter) =>
    `json_set(coalesce(${column}, '{}'), '$.${member}', json(${parameter}))`,
  merged: (column, parameter) => `json_patch(coalesce(${column}, '{}'), ${parameter})`,
  columns: (parameter) => `SELECT name FROM pragma_table_info(${parameter})`,
};

/** Parameters are cast to text first: what a driver thinks of JSON is not asked. */
export const postgresDialect: Dialect = {
  name: "postgres",
  list: (parameter) => `(SELECT jsonb_array_elements_text(${parameter}::text::jsonb))`,
  pairs: (parameter) =>
    `(SELECT e->>0 AS a, e->>1 AS b FROM jsonb_array_elements(${parameter}::text::jsonb) AS e)`,
  withMember: (column, member, parameter) =>
    `(coalesce(${column}::jsonb, '{}') || jsonb_build_object('${member}', ${parameter}::text::jsonb))::json`,
  merged: (column, parameter) =>
    `(coalesce(${column}::jsonb, '{}') || ${parameter}::text::jsonb)::json`,
  columns: (parameter) =>
    `SELECT column_name AS name FROM information_schema.columns
     WHERE table_schema = current_schema() AND table_name = ${parameter}`,
};
