import type { Database, Parameter, Row } from "./database.ts";

/** A database that counts what it is asked. */
export class CountedDatabase implements Database {
  readonly #database: Database;
  readonly dialect: Database["dialect"];
  /** Queries since the start. */
  queries = 0;
  /** Those that failed. */
  failures = 0;

  constructor(database: Database) {
    this.#database = database;
    this.dialect = database.dialect;
  }

  async query(statement: string, parameters?: readonly Parameter[]): Promise<Row[]> {
    this.queries++;
    try {
      return await this.#database.query(statement, parameters);
    } catch (thrown) {
      this.failures++;
      throw thrown;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#database[Symbol.asyncDispose]();
  }
}
