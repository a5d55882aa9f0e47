import { AppError } from "../common/errors.ts";
import type { Logger } from "../common/logger.ts";
import type { Database } from "./database.ts";
import { readHead, readSchema, type Schema } from "./schema.ts";

/** Looks whether the database is still what it was at the start: a newer Open WebUI migrates it when it starts. */
export class SchemaWatch {
  readonly #database: Database;
  readonly #logger: Logger;
  #schema: Schema;

  constructor(database: Database, schema: Schema, logger: Logger) {
    this.#database = database;
    this.#schema = schema;
    this.#logger = logger;
  }

  /**
   * One query, as long as nothing has changed.
   *
   * @throws {AppError} `unavailable` when the database does not answer, lacks what is needed here, or has
   * got or lost what is looked for at the start alone
   */
  async check(): Promise<void> {
    const head = await readHead(this.#database);
    if (head === this.#schema.head) return;
    const found = await readSchema(this.#database);
    const { head: _, version, ...abilities } = found;
    const isOther = Object.entries(abilities)
      .some(([name, value]) => this.#schema[name as keyof typeof abilities] !== value);
    if (isOther) {
      throw new AppError(
        "unavailable",
        `Open WebUI has migrated its database (${head}) in a way that is read at the start: start this server anew.`,
      );
    }
    this.#schema = found;
    const told = { head: found.head, version };
    if (version) this.#logger.info("Open WebUI has migrated its database", told);
    else this.#logger.warn("Open WebUI has migrated its database to what was not tried", told);
  }
}
