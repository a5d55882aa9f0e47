/**
 * Copies of a Deno KV in a file, which is a SQLite database with a log beside it (WAL): a copy of the
 * file alone lacks what is still in the log.
 */
import { rename, rm } from "node:fs/promises";
import { backup, DatabaseSync } from "node:sqlite";
import { AppError, errorText } from "../common/errors.ts";
import { silentLogger as logger } from "../common/logger.ts";
import { openKvStore } from "./kv_store.ts";
import { requireKnownSchema, schemaVersionOf } from "./schema.ts";

/** What a copy holds. */
export interface CopyInfo {
  bytes: number;
  /** Entries of the database, of all kinds. */
  entries: number;
  /** The form of its records, see `schema.ts`; 0: from before there were versions. */
  schema: number;
}

/** All in one step: a copy in steps begins anew whenever somebody writes (SQLite, `sqlite3_backup_step`). */
const ALL_PAGES = 0x7fff_ffff;
const BUSY_MS = 10_000;

const refused = (message: string, cause?: unknown) => new AppError("conflict", message, { cause });

/**
 * Writes all that is in the store at one moment into one new file, while servers go on writing.
 *
 * @throws {AppError} `not_found` without a store; `conflict` when the target is there already, or the
 * store is damaged
 */
export async function backUpKv(path: string, target: string, keyPrefix: string): Promise<CopyInfo> {
  if (!await isThere(path)) throw new AppError("not_found", `There is no store at ${path}.`);
  if (await isThere(target)) throw refused(`${target} is there already: name another file.`);
  const part = `${target}.part`;
  await removeDatabase(part);
  try {
    await copy(path, part);
    const info = await inspect(part, keyPrefix);
    await rename(part, target);
    return info;
  } finally {
    await removeDatabase(part);
  }
}

/**
 * Puts a backup in the place of the store. What was there is kept beside it.
 *
 * @throws {AppError} `not_found` without a backup; `conflict` when it is damaged or newer than this
 * version of the project, when a server uses the store, or when a newer version has written it
 */
export async function restoreKv(
  source: string,
  path: string,
  keyPrefix: string,
): Promise<CopyInfo & { kept: string | undefined }> {
  if (!await isThere(source)) throw new AppError("not_found", `There is no backup at ${source}.`);
  const part = `${path}.restoring`;
  await removeDatabase(part);
  try {
    await copy(source, part);
    const info = await inspect(part, keyPrefix, requireKnownSchema);
    const kept = await isThere(path) ? `${path}.before-restore-${stamp()}` : undefined;
    if (kept !== undefined) {
      await requireReplaceable(path, keyPrefix);
      await moveDatabase(path, kept);
    }
    await rename(part, path);
    return { ...info, kept };
  } finally {
    await removeDatabase(part);
  }
}

/** A time for a file's name: `2026-01-31T12-00-00Z`. */
export const stamp = () => new Date().toISOString().replace(/\.\d+/, "").replaceAll(":", "-");

async function copy(from: string, to: string): Promise<void> {
  // Made first, so that nobody else may ever read it.
  await Deno.writeFile(to, new Uint8Array(), { createNew: true, mode: 0o600 });
  try {
    using source = open(from);
    await backup(source, to, { rate: ALL_PAGES });
  } catch (cause) {
    throw refused(
      `${from} can't be copied (${errorText(cause)}): is it a store, and whole?`,
      cause,
    );
  }
}

type Check = typeof requireKnownSchema;

/** Looks at every page, and makes the copy one file that needs nothing beside it. */
async function inspect(path: string, keyPrefix: string, check?: Check): Promise<CopyInfo> {
  let entries: number;
  {
    using database = open(path);
    const [result] = database.prepare("PRAGMA quick_check(1)").all();
    if (result?.["quick_check"] !== "ok") {
      throw refused(`The store is damaged: ${String(result?.["quick_check"])}.`);
    }
    const tables = database.prepare("SELECT name FROM sqlite_master WHERE name = 'kv'").all();
    if (tables.length === 0) throw refused("It is a SQLite database, but no Deno KV.");
    entries = Number(database.prepare("SELECT count(*) AS n FROM kv").get()?.["n"]);
  }
  const schema = await withKv(path, keyPrefix, async (store) => {
    await check?.(store);
    return await schemaVersionOf(store);
  });
  {
    using database = open(path);
    database.exec("PRAGMA journal_mode = DELETE");
  }
  const { size: bytes } = await Deno.stat(path);
  return { bytes, entries, schema };
}

/** A file may be replaced when nobody has it open, and no newer version has written it. */
async function requireReplaceable(path: string, keyPrefix: string): Promise<void> {
  try {
    using database = open(path, 0);
    // Only who is alone with a database may leave its WAL.
    database.exec("PRAGMA journal_mode = DELETE");
  } catch (thrown) {
    if (/locked|busy/i.test(errorText(thrown))) {
      throw refused(`A server uses ${path}: stop all that do, and restore again.`, thrown);
    }
    // One that is damaged is what backups are for.
    return;
  }
  await withKv(path, keyPrefix, (store) => requireKnownSchema(store));
}

async function withKv<T>(
  path: string,
  keyPrefix: string,
  run: (store: Parameters<Check>[0]) => Promise<T>,
): Promise<T> {
  await using store = await openKvStore({ path, keyPrefix, logger });
  return await run(store);
}

function open(path: string, timeout = BUSY_MS): DatabaseSync & Disposable {
  return new DatabaseSync(path, { timeout }) as DatabaseSync & Disposable;
}

async function isThere(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return false;
    throw thrown;
  }
}

const FILES = ["", "-wal", "-shm", "-journal"];

async function removeDatabase(path: string): Promise<void> {
  for (const more of FILES) await rm(path + more, { force: true });
}

async function moveDatabase(from: string, to: string): Promise<void> {
  for (const more of FILES) {
    if (await isThere(from + more)) await rename(from + more, to + more);
  }
}
