import { AppError } from "../common/errors.ts";

/** Where Open WebUI keeps its data. */
export type DatabaseAddress =
  | { kind: "sqlite"; path: string }
  | { kind: "postgres"; url: string };

const POSTGRES = /^(postgres|postgresql)(\+[a-z0-9_]+)?:\/\//i;
const SQLITE = /^sqlite(\+[a-z0-9_]+)?:\/\//i;

/** A URL's scheme alone: the rest may hold a password. */
const schemeOf = (url: string) => /^[a-z0-9+_]+(?=:)/i.exec(url)?.[0] ?? "no scheme";

/**
 * Reads a `DATABASE_URL` as SQLAlchemy writes it: `sqlite:///relative.db`, `sqlite:////absolute.db`,
 * `postgresql://…`. A driver's name (`postgresql+psycopg2://`) says nothing here and is ignored.
 *
 * @throws {AppError} `invalid_payload` for a database that can't be read here
 */
export function readDatabaseUrl(url: string): DatabaseAddress {
  if (POSTGRES.test(url)) return { kind: "postgres", url: url.replace(POSTGRES, "postgres://") };
  if (SQLITE.test(url) && !/^sqlite\+(py)?sqlcipher/i.test(url)) {
    const [, path = ""] = /^[^/]*\/\/\/([^?#]*)/.exec(url) ?? [];
    if (path !== "" && path !== ":memory:") return { kind: "sqlite", path };
    throw new AppError("invalid_payload", "a SQLite URL names a file: sqlite:////path/webui.db");
  }
  throw new AppError(
    "invalid_payload",
    `sqlite:///… and postgresql://… can be read, and not ${schemeOf(url)}`,
  );
}
