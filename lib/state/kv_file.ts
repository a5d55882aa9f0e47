import { Buffer } from "node:buffer";
import { basename, dirname } from "node:path";
import { AppError, errorText } from "../common/errors.ts";
import type { Logger } from "../common/logger.ts";
import { BESIDE_STORE, grantedPaths } from "./granted_paths.ts";

/** Only the server's own account may read what people have said. */
const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;
const OTHERS_MAY = 0o077;
const HEADER = "SQLite format 3\0";
/** A whole check reads every page, some 500 MB a second: above that, a start would wait for it. */
const MAX_CHECKED_BYTES = 1024 ** 3;

/**
 * Makes the file of a Deno KV and its folder for the server's own account alone, and looks whether
 * SQLite could read it: the runtime ends the whole process over a damaged one, sooner or later
 * (Deno 2.9).
 *
 * @throws {AppError} `unavailable` naming the path, what is wrong with it, and what to do
 */
export async function prepareKvFile(path: string, logger: Logger): Promise<void> {
  await makeFolder(path);
  await makeFile(path);
  await Promise.all(
    [path, ...BESIDE_STORE.map((end) => path + end)].map((file) => close(file, FILE_MODE, logger)),
  );
  await closeOwnFolder(path, logger);
  await requireSound(path, logger);
}

async function makeFolder(path: string): Promise<void> {
  try {
    await Deno.mkdir(dirname(path), { recursive: true, mode: FOLDER_MODE });
  } catch (cause) {
    // Where only the file may be touched, its folder is somebody else's to make.
    if (cause instanceof Deno.errors.NotCapable) return;
    throw cannot(path, "its folder can't be made", cause);
  }
}

/** SQLite gives the files beside it the mode of this one. */
async function makeFile(path: string): Promise<void> {
  try {
    using _ = await Deno.open(path, { read: true, write: true, create: true, mode: FILE_MODE });
  } catch (cause) {
    throw cannot(path, "it can't be read and written", cause);
  }
}

/** Takes away from others what they may do with a file or folder. */
async function close(path: string, mode: number, logger: Logger): Promise<void> {
  try {
    const { mode: now } = await Deno.stat(path);
    if (now === null || (now & OTHERS_MAY) === 0) return;
    await Deno.chmod(path, mode);
    logger.warn("the store was open to other accounts of this machine, and is no longer", {
      path,
      mode: (now & 0o777).toString(8),
    });
  } catch (thrown) {
    const isNothing = thrown instanceof Deno.errors.NotFound ||
      thrown instanceof Deno.errors.NotCapable;
    if (isNothing) return;
    logger.warn("the store is open to other accounts of this machine: set its mode to 600", {
      path,
      error: errorText(thrown),
    });
  }
}

/** A folder with anything else in it is not ours to close. */
async function closeOwnFolder(path: string, logger: Logger): Promise<void> {
  const folder = dirname(path);
  const name = basename(path);
  try {
    for await (const entry of Deno.readDir(folder)) if (!entry.name.startsWith(name)) return;
  } catch {
    return;
  }
  await close(folder, FOLDER_MODE, logger);
}

async function requireSound(path: string, logger: Logger): Promise<void> {
  const { size } = await Deno.stat(path);
  if (size === 0) return;
  const head = new Uint8Array(HEADER.length);
  {
    using file = await Deno.open(path);
    await file.read(head);
  }
  if (Buffer.from(head).toString("latin1") !== HEADER) {
    throw cannot(path, "it is no database of SQLite, or its beginning is damaged");
  }
  if (size > MAX_CHECKED_BYTES) {
    logger.info("the store is too large to be checked at each start", { path, bytes: size });
    return;
  }
  const found = await quickCheck(path);
  if (found !== "ok") throw cannot(path, `it is damaged: ${found}`);
}

/** What SQLite says of the file. One that another process holds is sound enough for that one. */
async function quickCheck(path: string): Promise<string> {
  const { DatabaseSync } = await import("node:sqlite");
  try {
    using database = new DatabaseSync(path, { readOnly: true });
    const row = database.prepare("PRAGMA quick_check(1)").get();
    return String(row?.["quick_check"]).replaceAll("\n", " ");
  } catch (thrown) {
    return /locked|busy/i.test(errorText(thrown)) ? "ok" : errorText(thrown);
  }
}

function cannot(path: string, why: string, cause?: unknown): AppError {
  const whole = cause === undefined ? why : `${why} (${errorText(cause)})`;
  return new AppError(
    "unavailable",
    `The store ${path} can't be opened: ${whole}. ${remedy(path, cause)}.`,
  );
}

function remedy(path: string, cause: unknown): string {
  if (cause instanceof Deno.errors.NotCapable) {
    const paths = grantedPaths(path, () => true).join(",");
    return `Start it by \`deno task start\`, or by \`deno run -P=start '--allow-read=./lib,${paths}' '--allow-write=${paths}' main.ts\``;
  }
  return cause === undefined
    ? "Put the last backup in its place with `deno task restore BACKUP`, which keeps what is there"
    : "Set DENO_KV_PATH to a file that this account may write";
}
