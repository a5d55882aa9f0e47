import { LOG_LEVELS, type LogLevel } from "../common/logger.ts";
import * as as from "./parsers.ts";
import { OPEN_WEBUI_VARIABLES } from "./open_webui_variables.ts";
import { PROVIDER_VARIABLES } from "./provider_variables.ts";
import { QUOTAS } from "./quotas.ts";
import { optional, preset } from "./variable.ts";

export type { Variable } from "./variable.ts";

const redisUrl = as.url(["redis", "rediss", "redis+sentinel", "rediss+sentinel"]);
const secretText = as.text("text without line breaks", /^[^\r\n]+$/);
const line = as.text("text without line breaks", /^[^\r\n]+$/);
const logLevels = Object.fromEntries(LOG_LEVELS.map((level) => [level, level])) as Record<
  LogLevel,
  LogLevel
>;

/** Variables that were, and what became of them: whoever still sets one is told at the start. */
export const RETIRED_VARIABLES: Readonly<Record<string, string>> = {
  WEBSOCKET_ENGINE: "Deno's native WebSocket is gone, npm's `ws` serves every socket",
};

/** Every variable the server reads: the types, the README's table and the checks come from here. */
export const VARIABLES = {
  port: preset("PORT", "8080", as.integer(0, 65_535), "Port of HTTP and Socket.IO; 0: a free one"),
  host: preset(
    "HOST",
    "0.0.0.0",
    as.text("an address or a host name", /^[\w.:-]+$/),
    "Address to listen on",
  ),
  basePath: preset(
    "BASE_PATH",
    "/",
    as.basePath,
    "What stands before every path: pages, API and sockets (`/app` for `https://host/app/`)",
  ),
  secretKey: optional(
    "WEBUI_SECRET_KEY",
    secretText,
    "Signs the tokens; the same on every instance",
    {
      isSecret: true,
      defaultNote: "made and kept in the store",
    },
  ),
  jwtLife: preset("JWT_EXPIRES_IN", "4w", as.tokenLife, "How long a token counts"),
  defaultUserRole: preset(
    "DEFAULT_USER_ROLE",
    "pending",
    as.oneOf({ pending: "pending", user: "user", admin: "admin" } as const),
    "Role of who signs up after the first, who is the admin",
  ),
  isSignupEnabled: preset("ENABLE_SIGNUP", "true", as.boolean, "Whether people may sign up"),
  signinRateLimit: preset(
    "SIGNIN_RATE_LIMIT",
    "15",
    as.integer(1, 100_000),
    "Attempts to sign in, in three minutes, to one account from one address; four times as many from anywhere",
  ),
  corsAllowOrigin: optional("CORS_ALLOW_ORIGIN", as.origins, "Origins of pages that may connect", {
    defaultNote: "the same origin only",
  }),
  trustedProxies: preset(
    "TRUSTED_PROXIES",
    "0",
    as.integer(0, 16),
    "Proxies in front that append to `X-Forwarded-For`",
  ),

  instances: preset(
    "INSTANCES",
    "1",
    as.count(64),
    "Server processes on the one port; `auto`: one a core. More than one share a Redis or KV Connect",
  ),
  transports: preset(
    "ENABLE_WEBSOCKET_SUPPORT",
    "true",
    as.oneOf({ true: "websocket", false: "polling", both: "both" } as const),
    "WebSocket only, polling only, or polling that upgrades",
  ),
  manager: preset(
    "WEBSOCKET_MANAGER",
    "none",
    as.oneOf({ none: "kv", kv: "kv", redis: "redis" } as const),
    "Where shared state lives: Deno KV (`none`, `kv`) or Redis",
    { defaultNote: "`none`; with `OPEN_WEBUI_DATABASE_URL`, `redis`" },
  ),
  redisUrl: optional("WEBSOCKET_REDIS_URL", redisUrl, "Redis of the real-time layer", {
    fallback: "REDIS_URL",
    isSecret: true,
  }),
  isRedisCluster: preset(
    "WEBSOCKET_REDIS_CLUSTER",
    "false",
    as.boolean,
    "Whether that is a node of a Redis Cluster",
    { fallback: "REDIS_CLUSTER" },
  ),
  sentinelHosts: optional(
    "WEBSOCKET_SENTINEL_HOSTS",
    as.hosts,
    "Sentinels of the real-time layer",
    {
      fallback: "REDIS_SENTINEL_HOSTS",
    },
  ),
  sentinelPort: preset(
    "WEBSOCKET_SENTINEL_PORT",
    "26379",
    as.port,
    "Port of a sentinel that names none",
    {
      fallback: "REDIS_SENTINEL_PORT",
    },
  ),
  sharedRedisUrl: optional("REDIS_URL", redisUrl, "Counts where `WEBSOCKET_REDIS_URL` isn't set", {
    isSecret: true,
  }),
  isSharedRedisCluster: preset(
    "REDIS_CLUSTER",
    "false",
    as.boolean,
    "Counts where `WEBSOCKET_REDIS_CLUSTER` isn't set",
  ),
  sharedSentinelHosts: optional(
    "REDIS_SENTINEL_HOSTS",
    as.hosts,
    "Counts where `WEBSOCKET_SENTINEL_HOSTS` isn't set",
  ),
  sharedSentinelPort: preset(
    "REDIS_SENTINEL_PORT",
    "26379",
    as.port,
    "Counts where `WEBSOCKET_SENTINEL_PORT` isn't set",
  ),
  redisMaxRetryCount: preset(
    "REDIS_SENTINEL_MAX_RETRY_COUNT",
    "2",
    as.integer(0, 100),
    "Further tries of a command while the master changes",
  ),
  redisKeyPrefix: preset(
    "REDIS_KEY_PREFIX",
    "open-webui",
    as.text("1 to 100 characters without spaces or braces", /^[^\s{}]{1,100}$/),
    "Begins every key",
  ),
  kvPath: preset(
    "DENO_KV_PATH",
    "./data/webui-realtime.kv",
    line,
    "File, `:memory:` or KV Connect URL",
    {
      defaultNote: "`./data/webui-realtime.kv`; on Deno Deploy its own database",
    },
  ),
  kvAccessToken: optional(
    "DENO_KV_ACCESS_TOKEN",
    secretText,
    "What a KV Connect server asks for; read by Deno itself",
    { isSecret: true },
  ),
  deploymentId: optional("DENO_DEPLOYMENT_ID", line, "Set by Deno Deploy", {}),

  ...OPEN_WEBUI_VARIABLES,

  lockTimeoutMs: preset(
    "WEBSOCKET_REDIS_LOCK_TIMEOUT",
    "60",
    as.seconds(),
    "Life of the sweeper's lock",
  ),
  pingTimeoutMs: preset(
    "WEBSOCKET_SERVER_PING_TIMEOUT",
    "20",
    as.seconds(),
    "How long a pong may take",
  ),
  pingIntervalMs: preset(
    "WEBSOCKET_SERVER_PING_INTERVAL",
    "25",
    as.seconds(),
    "Time between pings",
  ),
  heartbeatIntervalMs: preset(
    "WEBSOCKET_HEARTBEAT_INTERVAL",
    "30",
    as.seconds(),
    "Time between a client's `heartbeat` events",
  ),
  sessionTimeoutMs: preset(
    "SESSION_TIMEOUT",
    "120",
    as.seconds(),
    "When a session without a sign of life ends",
  ),
  handshakeTimeoutMs: preset(
    "HANDSHAKE_TIMEOUT",
    "10",
    as.seconds(600),
    "Time for headers and handshake",
  ),
  strangerTimeoutMs: preset(
    "WEBSOCKET_STRANGER_TIMEOUT",
    "30",
    as.seconds(3_600),
    "How long a socket may stay on which nobody has signed in",
  ),
  answerTimeoutMs: preset(
    "HTTP_ANSWER_TIMEOUT",
    "30",
    as.seconds(3_600),
    "How long the reader of an HTTP answer may take nothing of it",
  ),
  drainTimeoutMs: preset(
    "DRAIN_TIMEOUT",
    "5",
    as.seconds(3_600),
    "How long a stop may take: answers go on until 1.5 seconds before its end",
  ),
  eventCallerTimeoutMs: preset(
    "WEBSOCKET_EVENT_CALLER_TIMEOUT",
    "300",
    as.seconds(),
    "How long the server waits for a browser's answer",
  ),
  maxPayloadBytes: preset(
    "WEBSOCKET_MAX_PAYLOAD",
    "10000000",
    as.integer(1_024, 256_000_000),
    "Largest message, in bytes",
    { defaultNote: "`10000000`; with `OPEN_WEBUI_DATABASE_URL`, Open WebUI's own 16 MiB" },
  ),
  sendBufferLimitBytes: preset(
    "SEND_BUFFER_LIMIT",
    "16777216",
    as.integer(65_536, 1_073_741_824),
    "What may wait for a slow reader, in bytes",
    { defaultNote: "`16777216`; with `OPEN_WEBUI_DATABASE_URL`, 32 MiB" },
  ),
  maxConnections: preset(
    "MAX_CONNECTIONS",
    "20000",
    as.integer(1, 1_000_000),
    "Connections of an instance",
  ),
  maxConnectionsPerAddress: preset(
    "MAX_CONNECTIONS_PER_ADDRESS",
    "1000",
    as.integer(1, 1_000_000),
    "Connections of one IPv4 address (an office behind one NAT) or IPv6 network (/64)",
  ),
  balanceSocketsPerSecond: preset(
    "BALANCE_SOCKETS_PER_SECOND",
    "10",
    as.integer(0, 10_000),
    "Idle sockets that an instance with more than its share lets go each second; `0`: none",
  ),
  maxEventsPerSecond: preset(
    "MAX_EVENTS_PER_SECOND",
    "500",
    as.integer(1, 100_000),
    "Events of one socket",
  ),
  ydocCompactionThreshold: preset(
    "YDOC_COMPACTION_THRESHOLD",
    "500",
    as.integer(2, 100_000),
    "Updates of a document before they become one",
  ),

  ...QUOTAS,

  ...PROVIDER_VARIABLES,

  isServerLogged: preset(
    "WEBSOCKET_SERVER_LOGGING",
    "false",
    as.boolean,
    "Log every Socket.IO event",
  ),
  isEngineLogged: preset(
    "WEBSOCKET_SERVER_ENGINEIO_LOGGING",
    "false",
    as.boolean,
    "Log every connection",
  ),
  logLevel: preset("LOG_LEVEL", "info", as.oneOf(logLevels), "The lowest level that is written"),
  logFormat: optional(
    "LOG_FORMAT",
    as.oneOf({ text: "text", json: "json" } as const),
    "Shape of a log line",
    {
      defaultNote: "`text` on a terminal, otherwise `json`",
    },
  ),
  metricsToken: optional("METRICS_TOKEN", secretText, "Bearer token of `/metrics`", {
    isSecret: true,
    defaultNote: "`/metrics` answers this machine only",
  }),
};

export type VariableKey = keyof typeof VARIABLES;
