/** A database as Open WebUI makes it, empty, in both engines; and one to fill it with. */
import { DatabaseSync } from "node:sqlite";
import type { Database } from "../../lib/openwebui/database.ts";
import { PostgresDatabase } from "../../lib/openwebui/postgres_database.ts";
import { SqliteDatabase } from "../../lib/openwebui/sqlite_database.ts";
import { PostgresServer } from "../support/postgres_server.ts";
import { tempFolder } from "../support/temp_folder.ts";

/** Versions whose columns were read off the real thing, with their newest migration. */
export const HEADS = { "0.11.3": "d4c1a8e37b62", "0.12.4": "0bd252b206fb" } as const;
export type Version = keyof typeof HEADS;

interface Column {
  name: string;
  type: string;
  notnull: boolean;
  pk: boolean;
}
export type Columns = Record<string, Column[]>;

export async function columnsOf(version: Version): Promise<Columns> {
  const file = new URL(`fixtures/columns-${version}.json`, import.meta.url);
  return JSON.parse(await Deno.readTextFile(file));
}

/** Statements that make the tables. Only keys are required, so that a test names what it is about. */
export function tables(columns: Columns): string[] {
  return Object.entries(columns).map(([table, all]) => {
    const lines = all.map(({ name, type, pk }) => `"${name}" ${type}${pk ? " NOT NULL" : ""}`);
    return `CREATE TABLE "${table}" (${lines.join(", ")})`;
  });
}

/** An open database, and how a test puts rows into it behind the back of the code under test. */
export interface Fixture extends AsyncDisposable {
  database: Database;
  /** Where it is, as `DATABASE_URL` says it. */
  url: string;
  insert(table: string, ...rows: Record<string, unknown>[]): Promise<void>;
}

function inserter(database: Database) {
  return async (table: string, ...rows: Record<string, unknown>[]) => {
    for (const row of rows) {
      const names = Object.keys(row);
      const values = Object.values(row).map((value) => literal(value, database.dialect.name));
      await database.query(
        `INSERT INTO "${table}" (${names.map((name) => `"${name}"`).join(", ")})
         VALUES (${values.join(", ")})`,
      );
    }
  };
}

/** As SQL: the drivers of Python and ours differ in what they take, the text of SQL does not. */
function literal(value: unknown, engine: "sqlite" | "postgres"): string {
  if (value === null) return "NULL";
  if (typeof value === "number" || typeof value === "bigint") return String(value);
  if (typeof value === "boolean") {
    return engine === "sqlite" ? String(Number(value)) : String(value);
  }
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return `'${text.replaceAll("'", "''")}'`;
}

async function withTables(database: Database, version: Version): Promise<void> {
  for (const statement of tables(await columnsOf(version))) await database.query(statement);
  await inserter(database)("alembic_version", { version_num: HEADS[version] });
}

export async function sqliteFixture(version: Version = "0.12.4"): Promise<Fixture> {
  const folder = await tempFolder();
  const path = `${folder.path}/webui.db`;
  const file = new DatabaseSync(path);
  file.exec("PRAGMA journal_mode = wal");
  file.close();
  const database = await SqliteDatabase.open(path);
  await withTables(database, version);
  return {
    database,
    url: `sqlite:///${path}`,
    insert: inserter(database),
    async [Symbol.asyncDispose]() {
      await database[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** In a schema of its own, so that one server serves all tests of a file. */
export async function postgresFixture(
  server: PostgresServer,
  version: Version = "0.12.4",
): Promise<Fixture & { schema: string }> {
  const schema = `s${crypto.randomUUID().replaceAll("-", "")}`;
  const database = new PostgresDatabase({ url: server.url, schema, maxConnections: 3 });
  await database.query(`CREATE SCHEMA ${schema}`);
  await withTables(database, version);
  return {
    database,
    schema,
    url: server.url,
    insert: inserter(database),
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  };
}
