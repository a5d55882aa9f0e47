import postgres from "postgres";
import { AppError } from "../common/errors.ts";
import { deadline } from "../common/deadline.ts";
import { type Database, type Parameter, postgresDialect, type Row } from "./database.ts";

export interface PostgresOptions {
  url: string;
  /** `DATABASE_SCHEMA`. Default: the role's own search path. */
  schema?: string;
  /** Connections of an instance at the most. Default: 5. */
  maxConnections?: number;
  /** How long a query may take, waiting for a connection included. Default: 8,000. */
  queryTimeoutMs?: number;
}

const CONNECT_TIMEOUT_SECONDS = 5;
/** A connection is replaced now and then, so that a balancer in front can move it. */
const MAX_LIFETIME_SECONDS = 30 * 60;
/** Connections that nobody uses are given back to the server. */
const IDLE_TIMEOUT_SECONDS = 60;
const CLOSE_TIMEOUT_SECONDS = 1;

/** Open WebUI's Postgres. */
export class PostgresDatabase implements Database {
  readonly dialect = postgresDialect;
  readonly #sql: postgres.Sql;
  readonly #queryTimeoutMs: number;

  constructor({ url, schema, maxConnections = 5, queryTimeoutMs = 8_000 }: PostgresOptions) {
    this.#queryTimeoutMs = queryTimeoutMs;
    this.#sql = postgres(url, {
      max: maxConnections,
      connect_timeout: CONNECT_TIMEOUT_SECONDS,
      idle_timeout: IDLE_TIMEOUT_SECONDS,
      max_lifetime: MAX_LIFETIME_SECONDS,
      fetch_types: false,
      // A pooler that hands each transaction to another connection knows no prepared statements.
      prepare: !/[?&]pgbouncer=true\b/.test(url),
      onnotice: () => {},
      connection: {
        application_name: "webui-realtime",
        // Ends on the server, too, what nobody here waits for any more.
        statement_timeout: queryTimeoutMs,
        // To compile a query of many parts takes seconds, and it is run in a millisecond.
        jit: "off",
        ...(schema !== undefined && { search_path: schema }),
      },
    });
  }

  async query(statement: string, parameters: readonly Parameter[] = []): Promise<Row[]> {
    try {
      const rows = this.#sql.unsafe(statement, [...parameters]);
      return await deadline(rows, this.#queryTimeoutMs, "Open WebUI's database");
    } catch (cause) {
      if (cause instanceof AppError) throw cause;
      throw new AppError("unavailable", "Open WebUI's database refused a query.", { cause });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sql.end({ timeout: CLOSE_TIMEOUT_SECONDS });
  }
}
