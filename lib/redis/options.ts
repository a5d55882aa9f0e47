import type { Logger } from "../common/logger.ts";
import { AppError } from "../common/errors.ts";

/** How Redis is reached. Every field but the logger has a default. */
export interface RedisConnectionOptions {
  /**
   * `redis://user:password@host:port/db`, `rediss://…` for TLS, or python-socketio's
   * `redis+sentinel://user:password@host:port,host:port/db/service`. With `sentinelHosts`, the host
   * names the service, as Open WebUI does. Default: `redis://127.0.0.1:6379/0`.
   */
  url?: string;
  /** Whether the URL leads to a node of a Redis Cluster. Default: `false`. */
  cluster?: boolean;
  /** Where the sentinels are, each `host` or `host:port`. Default: none, so no Sentinel. */
  sentinelHosts?: readonly string[];
  /** The port of a sentinel that names none. Default: 26,379. */
  sentinelPort?: number;
  /**
   * How many further time limits (`commandTimeoutMs`) a command is given when the connection is
   * lost under it or the master changes; it is sent again until then. 0: the first loss is the
   * caller's. Default: 2.
   */
  maxRetryCount?: number;
  /** How long a connection may take, handshake and resubscription included. Default: 5,000. */
  connectTimeoutMs?: number;
  /** How long a command may wait for its answer. Default: 3,000. */
  commandTimeoutMs?: number;
  /** How often the silent subscription connection is asked for a sign of life. Default: 5,000. */
  heartbeatMs?: number;
  /** Certificate authorities (PEM) to trust for `rediss://`, beside the system's. */
  tlsCa?: string;
  logger: Logger;
}

export interface HostAndPort {
  host: string;
  port: number;
}

/** The parsed address: which of the three shapes, where, and as whom. */
export interface RedisTarget {
  shape: "standalone" | "sentinel" | "cluster";
  /** The server, the sentinels, or the first nodes to ask. */
  nodes: HostAndPort[];
  /** What the sentinels call the master. */
  service: string;
  tls: boolean;
  username: string | undefined;
  password: string | undefined;
  db: number;
}

const DEFAULT_PORT = 6379;
const DEFAULT_SENTINEL_PORT = 26_379;
const SERVICE = "mymaster";

function invalid(why: string): AppError {
  // A URL may carry a password, and a mistyped one carries it anywhere: no part is repeated.
  return new AppError("invalid_payload", `Redis URL: ${why}`);
}

function portOf(text: string, fallback: number): number {
  if (text === "") return fallback;
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw invalid("a port is a number from 1 to 65535");
  }
  return port;
}

function databaseOf(text: string): number {
  if (text === "") return 0;
  const db = Number(text);
  if (!Number.isInteger(db) || db < 0) throw invalid("a database is a number from 0");
  return db;
}

function hostAndPort(text: string, fallback: number): HostAndPort {
  const found = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(text.trim());
  const host = found?.[1] ?? found?.[2];
  if (host === undefined) throw invalid("a host is written host or host:port");
  return { host, port: portOf(found?.[3] ?? "", fallback) };
}

/** python-socketio's form has a list of hosts, which `URL` does not take; it is taken apart by hand. */
function parseSentinelUrl(url: string): RedisTarget {
  const found = /^redis\+sentinel:\/\/(?:([^@/]*)@)?([^/]+)(?:\/([^/]*))?(?:\/([^/]*))?$/.exec(url);
  if (found === null) throw invalid("expected redis+sentinel://host:port,host:port/db/service");
  const [, credentials = "", hosts = "", db = "", service = ""] = found;
  const colon = credentials.indexOf(":");
  const username = colon < 0 ? credentials : credentials.slice(0, colon);
  const password = colon < 0 ? "" : credentials.slice(colon + 1);
  return {
    shape: "sentinel",
    nodes: hosts.split(",").map((host) => hostAndPort(host, DEFAULT_SENTINEL_PORT)),
    service: service || SERVICE,
    tls: false,
    username: decodeURIComponent(username) || undefined,
    password: decodeURIComponent(password) || undefined,
    db: databaseOf(db),
  };
}

/**
 * Reads the address.
 *
 * @throws {AppError} `invalid_payload` for one that leads nowhere; credentials are not repeated.
 */
export function parseRedisTarget(options: RedisConnectionOptions): RedisTarget {
  const text = options.url ?? `redis://127.0.0.1:${DEFAULT_PORT}/0`;
  if (text.startsWith("redis+sentinel://")) return parseSentinelUrl(text);
  const url = URL.parse(text);
  if (url === null || !["redis:", "rediss:"].includes(url.protocol)) {
    throw invalid("expected redis://, rediss:// or redis+sentinel://");
  }
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const sentinels = options.sentinelHosts ?? [];
  const sentinelPort = options.sentinelPort ?? DEFAULT_SENTINEL_PORT;
  const shape = sentinels.length > 0 ? "sentinel" : options.cluster ? "cluster" : "standalone";
  const db = databaseOf(url.pathname.replace(/^\//, ""));
  if (shape === "cluster" && db !== 0) throw invalid("a Redis Cluster has database 0 only");
  return {
    shape,
    nodes: shape === "sentinel"
      ? sentinels.map((sentinel) => hostAndPort(sentinel, sentinelPort))
      : [{ host: host || "127.0.0.1", port: portOf(url.port, DEFAULT_PORT) }],
    service: host || SERVICE,
    tls: url.protocol === "rediss:",
    username: decodeURIComponent(url.username) || undefined,
    password: decodeURIComponent(url.password) || undefined,
    db,
  };
}
