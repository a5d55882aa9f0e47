/**
 * The thread that holds Open WebUI's SQLite file: a statement that waits for Python's lock, or reads
 * much, holds up nobody else. Spoken to by {@linkcode SqliteDatabase} only; its name is the path.
 */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { Parameter, Row } from "./database.ts";

export interface SqliteRequest {
  id: number;
  statement: string;
  parameters: readonly Parameter[];
}

export type SqliteAnswer =
  | { id: number; rows: Row[] }
  | { id: number; error: string };

/**
 * A worker's own globals. The types of workers can't be asked for in one file alone: they would be
 * those of the pages, too, which are checked in the same run.
 */
const scope = self as unknown as {
  readonly name: string;
  onmessage: ((event: MessageEvent<SqliteRequest>) => void) | null;
  postMessage(answer: SqliteAnswer): void;
};

/** As long as Open WebUI waits itself while the other process writes. */
const BUSY_TIMEOUT_MS = 5_000;

let database: DatabaseSync | undefined;
/** The statements of this project are a fixed few, so none is ever thrown out. */
const prepared = new Map<string, StatementSync>();

function run({ statement, parameters }: SqliteRequest): Row[] {
  if (database === undefined) {
    database = new DatabaseSync(scope.name);
    database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
  }
  let known = prepared.get(statement);
  if (known === undefined) {
    known = database.prepare(statement.replaceAll(/\$(\d+)/g, "?$1"));
    prepared.set(statement, known);
  }
  return known.all(...parameters) as Row[];
}

scope.onmessage = ({ data }) => {
  let answer: SqliteAnswer;
  try {
    answer = { id: data.id, rows: run(data) };
  } catch (thrown) {
    answer = { id: data.id, error: thrown instanceof Error ? thrown.message : String(thrown) };
  }
  scope.postMessage(answer);
};
