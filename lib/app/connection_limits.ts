import type { Logger } from "../common/logger.ts";
import type { Config } from "../config.ts";
import { maxOpenFiles } from "../transport/open_files.ts";
import type { StrangerLimits } from "../transport/strangers.ts";
import type { TcpLimits } from "../transport/tcp_limiter.ts";

/** A token takes some 8 KB at the most; nothing else of a stranger is of use. */
const STRANGERS_PAYLOAD_BYTES = 64 * 1024;
/** One place for strangers on so many others: a storm of reconnects passes through them. */
const PLACES_PER_STRANGER = 4;
const MIN_STRANGERS = 100;
/** For the store, Redis, model providers, and connections that are accepted while others close. */
const RESERVED_FILES = 200;

type Limits = Pick<
  Config,
  | "maxConnections"
  | "maxConnectionsPerAddress"
  | "maxPayloadBytes"
  | "strangerTimeoutMs"
  | "trustedProxies"
>;

/** What holds for a socket until somebody has signed in on it. */
export function strangerLimits(config: Limits): StrangerLimits {
  return {
    maxConnections: strangersOf(config),
    maxPayloadBytes: Math.min(STRANGERS_PAYLOAD_BYTES, config.maxPayloadBytes),
    timeoutMs: config.strangerTimeoutMs,
  };
}

/**
 * Room for all sockets and as many requests beside them as there are strangers, but no more than
 * the files that the process may open allow. Behind a proxy of ours every address is the proxy's.
 */
export function tcpLimits(config: Limits, logger: Logger): TcpLimits {
  const { maxConnections, maxConnectionsPerAddress, trustedProxies } = config;
  const wanted = maxConnections + 2 * strangersOf(config);
  const files = maxOpenFiles(wanted + RESERVED_FILES, new URL(import.meta.url));
  const room = files === undefined ? Infinity : Math.max(1, files - reserveOf(files));
  if (room < wanted) {
    logger.warn(
      `only ${room} of ${wanted} connections fit below the limit of open files: raise it (ulimit -n) or lower MAX_CONNECTIONS`,
      { openFiles: files },
    );
  }
  return {
    maxConnections: Math.min(wanted, room),
    maxConnectionsPerAddress: trustedProxies > 0 ? Infinity : 2 * maxConnectionsPerAddress,
  };
}

/** A small limit keeps less back, or nothing would be left of it. */
const reserveOf = (files: number) => Math.min(RESERVED_FILES, Math.ceil(files / 4));

function strangersOf({ maxConnections }: Limits): number {
  return Math.max(MIN_STRANGERS, Math.ceil(maxConnections / PLACES_PER_STRANGER));
}
