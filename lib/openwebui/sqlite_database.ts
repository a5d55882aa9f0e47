import { AppError } from "../common/errors.ts";
import { deadline } from "../common/deadline.ts";
import { type Database, type Parameter, type Row, sqliteDialect } from "./database.ts";
import type { SqliteAnswer, SqliteRequest } from "./sqlite_worker.ts";

/** Longer than the worker waits for Python's lock. */
const QUERY_TIMEOUT_MS = 8_000;

interface Waiting {
  resolve(rows: Row[]): void;
  reject(error: AppError): void;
}

/** Open WebUI's SQLite file, read and written beside Python: WAL, so on the same machine only. */
export class SqliteDatabase implements Database {
  readonly dialect = sqliteDialect;
  readonly #path: string;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #lastId = 0;

  private constructor(path: string) {
    this.#path = path;
  }

  /** @throws {AppError} `unavailable` when there is no such file: SQLite itself would make an empty one */
  static async open(path: string): Promise<SqliteDatabase> {
    try {
      await Deno.stat(path);
    } catch (cause) {
      throw new AppError("unavailable", `Open WebUI's database can't be opened: ${path}`, {
        cause,
      });
    }
    return new SqliteDatabase(path);
  }

  async query(statement: string, parameters: readonly Parameter[] = []): Promise<Row[]> {
    const id = ++this.#lastId;
    const { promise, resolve, reject } = Promise.withResolvers<Row[]>();
    this.#waiting.set(id, { resolve, reject });
    try {
      this.#live().postMessage({ id, statement, parameters } satisfies SqliteRequest);
      return await deadline(
        promise,
        QUERY_TIMEOUT_MS,
        () => new AppError("unavailable", "Open WebUI's database did not answer in time."),
      );
    } finally {
      this.#waiting.delete(id);
    }
  }

  /** The thread; a new one after one that has died. */
  #live(): Worker {
    if (this.#worker) return this.#worker;
    const worker = new Worker(new URL("./sqlite_worker.ts", import.meta.url).href, {
      type: "module",
      name: this.#path,
    });
    worker.onmessage = ({ data }: MessageEvent<SqliteAnswer>) => {
      const waiting = this.#waiting.get(data.id);
      if ("rows" in data) waiting?.resolve(data.rows);
      else waiting?.reject(failed(data.error));
    };
    worker.onerror = (event) => {
      event.preventDefault();
      this.#end(event.message);
    };
    return this.#worker = worker;
  }

  #end(reason: string): void {
    this.#worker?.terminate();
    this.#worker = undefined;
    for (const { reject } of this.#waiting.values()) reject(failed(reason));
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#end("it was closed");
    return Promise.resolve();
  }
}

const failed = (reason: string) =>
  new AppError("unavailable", "Open WebUI's database refused a query.", {
    cause: new Error(reason),
  });
