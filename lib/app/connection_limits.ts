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
/** For the store, Redis and model providers. */
const RESERVED_FILES = 200;
/**
 * Connections that the kernel keeps until they are accepted. When all clients come back at once, and
 * find it full, the kernel drops what they send, and they wait for seconds, then twice as long. Linux
 * takes 4,096 at the most (`net.core.somaxconn`).
 */
const MAX_BACKLOG = 4_096;
/** A small limit of files is shared out by this part of it, or nothing would be left for connections. */
const PART_OF_FILES = 8;

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
  const probed = wanted + RESERVED_FILES + 2 * MAX_BACKLOG;
  const files = maxOpenFiles(probed, new URL(import.meta.url));
  const part = Math.max(1, Math.floor((files ?? Infinity) / PART_OF_FILES));
  const backlog = Math.min(MAX_BACKLOG, part);
  // Deno 2.9 accepts all that wait before a connection that is turned away is closed.
  const reserved = Math.min(RESERVED_FILES, part) + 2 * backlog;
  const room = files === undefined ? Infinity : Math.max(1, files - reserved);
  if (room < maxConnections) {
    logger.warn(
      `only ${room} of MAX_CONNECTIONS fit below the limit of open files: raise it (ulimit -n) or lower it`,
      { openFiles: files },
    );
  }
  return {
    backlog,
    maxConnections: Math.min(wanted, room),
    maxConnectionsPerAddress: trustedProxies > 0 ? Infinity : 2 * maxConnectionsPerAddress,
  };
}

function strangersOf({ maxConnections }: Limits): number {
  return Math.max(MIN_STRANGERS, Math.ceil(maxConnections / PLACES_PER_STRANGER));
}
