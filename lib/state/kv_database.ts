import { AppError } from "../common/errors.ts";
import { type Logger, silentLogger } from "../common/logger.ts";
import { DiskReserve } from "./disk_reserve.ts";
import { isKvFile } from "./granted_paths.ts";
import { KvClient } from "./kv_client.ts";

/** A file: Deno takes 100 checks, and SQLite one commit after the other. */
const FILE_LIMITS = { checks: 90, commitsUnderWay: 1, callsUnderWay: Infinity };
/** A KV Connect server refuses more than ten checks; smaller commits are made up for by more. */
const REMOTE_LIMITS = { checks: 10, commitsUnderWay: 8, callsUnderWay: 32 };

/** An open Deno KV, for the state and for the bus. */
export interface KvDatabase {
  /** For logs. */
  readonly name: "kv memory" | "kv file" | "kv connect";
  readonly client: KvClient;
  readonly limits: typeof FILE_LIMITS;
  /** Nobody but this process sees it. */
  readonly isMemory: boolean;
  /** A server holds it, which tells what others write. */
  readonly isRemote: boolean;
  /**
   * Opens a connection of its own to watch: answers that share one with a stream wait for each
   * other, tens of milliseconds and more (Nagle's algorithm; Deno 2.9.6).
   */
  openWatched(): Promise<Pick<Deno.Kv, "watch" | "close">>;
}

/**
 * Opens a file, `:memory:`, or the URL of a KV Connect server; without a path Deno Deploy's own
 * database.
 *
 * @throws {AppError} `unavailable` when it can't be opened.
 */
export async function openKvDatabase(
  path: string | undefined,
  logger: Logger = silentLogger,
): Promise<KvDatabase> {
  const kv = await Deno.openKv(path).catch((cause) => {
    const named = path === undefined ? "" : ` ${path}`;
    throw new AppError("unavailable", `The store${named} can't be opened.`, { cause });
  });
  const disk = isKvFile(path) ? new DiskReserve({ path, logger }) : undefined;
  const isMemory = path === ":memory:";
  const isRemote = path === undefined || /^https?:/.test(path);
  const limits = isRemote ? REMOTE_LIMITS : FILE_LIMITS;
  return {
    name: isMemory ? "kv memory" : isRemote ? "kv connect" : "kv file",
    client: new KvClient(kv, { ...limits, disk }),
    limits,
    isMemory,
    isRemote,
    openWatched: () => Deno.openKv(path),
  };
}
