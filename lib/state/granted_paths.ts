/** Which files a store in a file needs, and may be granted. */
import { dirname, resolve } from "node:path";

const DATA = "./data";
/** What is beside the file: SQLite's own, and the space that is held for a full disk. */
export const BESIDE_STORE = ["-wal", "-shm", "-journal", ".reserve"];

/** Whether the path of a Deno KV is a file: not memory, a server, or the platform's own. */
export function isKvFile(path: string | undefined): path is string {
  return path !== undefined && path !== ":memory:" && !/^https?:/.test(path);
}

/**
 * The store's own files, or the whole folder where that has to be made first, or is `./data`. Deno's
 * flags part their paths at commas, so a path with one is granted by a folder above.
 */
export function grantedPaths(
  kvPath: string | undefined,
  isThere: (path: string) => boolean,
): string[] {
  if (!isKvFile(kvPath)) return [DATA];
  const folder = dirname(kvPath);
  if (resolve(folder) === resolve(DATA)) return [DATA];
  const paths = isThere(folder) ? [kvPath, ...BESIDE_STORE.map((end) => kvPath + end)] : [folder];
  return [...new Set(paths.map(withoutComma))];
}

function withoutComma(path: string): string {
  return path.includes(",") ? withoutComma(dirname(path)) : path;
}
