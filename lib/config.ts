import {
  RETIRED_VARIABLES,
  type Variable,
  type VariableKey,
  VARIABLES,
} from "./config/variables.ts";

type Table = typeof VARIABLES;
type ValueOf<V> = V extends Variable<infer T, true> ? T
  : V extends Variable<infer T, false> ? T | undefined
  : never;
type Values = { readonly [K in VariableKey]: ValueOf<Table[K]> };

/**
 * Everything that can be set, checked and frozen. Durations are milliseconds, whatever unit the
 * environment uses.
 */
export type Config =
  & Readonly<
    Omit<Values, "kvPath" | "logFormat" | "corsAllowOrigin" | "jwtLife">
  >
  & {
    /** Path or URL of the KV; `undefined`: the platform's own database. */
    readonly kvPath: string | undefined;
    readonly logFormat: "text" | "json";
    /** Origins beside the server's own; `"*"`: any. */
    readonly corsAllowOrigin: readonly string[] | "*";
    /** How long a token counts; `null`: for ever. */
    readonly jwtExpiresInMs: number | null;
    /** What is allowed, but worth a line in the log. */
    readonly warnings: readonly string[];
  };

/** Every fault of the environment at once. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(
      `Cannot start with this configuration:\n${faults.map((fault) => `  ${fault}`).join("\n")}`,
    );
    this.faults = Object.freeze([...faults]);
  }
}

export interface LoadOptions {
  /** Whether people read the log; decides the default of `LOG_FORMAT`. Default: `false`. */
  isTerminal?: boolean;
}

/** Without the user and password a URL may carry, and short enough for one line. */
function shown(value: string): string {
  const bare = value.replace(/\/\/.*@/gs, "//(secret)@");
  return JSON.stringify(bare.length > 200 ? `${bare.slice(0, 200)}…` : bare);
}

/**
 * Reads the environment. A variable that is empty counts as not set.
 *
 * @throws {ConfigError} naming every variable that is wrong, its value and what is allowed
 */
export function loadConfig(
  env: (name: string) => string | undefined,
  options: LoadOptions = {},
): Config {
  const faults: string[] = [];
  const read = (name: string) => {
    const text = env(name)?.trim();
    return text === "" ? undefined : text;
  };
  const entries = Object.entries<Variable<unknown>>(VARIABLES).map(([key, variable]) => {
    const own = read(variable.name);
    const fallen = own === undefined && variable.fallback ? read(variable.fallback) : undefined;
    const text = own ?? fallen ?? variable.defaultText;
    if (text === undefined) return [key, undefined];
    const value = variable.parser.parse(text);
    // A fault of a variable that another falls back to is told once, by its own name.
    if (value === undefined && fallen === undefined) {
      const value = variable.isSecret ? "(secret)" : shown(text);
      faults.push(`${variable.name}: ${value}; allowed: ${variable.parser.allowed}`);
    }
    return [key, value];
  });
  // The table's own parsers made each value, so its type is the table's.
  const values = ofMode(Object.fromEntries(entries) as Values, read);
  if (faults.length === 0) faults.push(...contradictions(values));
  if (faults.length > 0) throw new ConfigError(faults);

  const { jwtLife, ...rest } = values;
  const isOnDeploy = values.deploymentId !== undefined;
  return Object.freeze({
    ...rest,
    kvPath: isOnDeploy && read(VARIABLES.kvPath.name) === undefined ? undefined : values.kvPath,
    logFormat: values.logFormat ?? (options.isTerminal ? "text" : "json"),
    corsAllowOrigin: values.corsAllowOrigin ?? Object.freeze([]),
    jwtExpiresInMs: jwtLife.ms,
    warnings: Object.freeze([...doubts(values), ...retired(read)]),
  });
}

/** Open WebUI takes messages of this size; twice as much may wait for a slow reader. */
const OPEN_WEBUI_PAYLOAD_BYTES = 16 * 1024 * 1024;

/** As the real-time layer of an Open WebUI, the defaults are what its browsers and processes expect. */
function ofMode(values: Values, read: (name: string) => string | undefined): Values {
  if (values.openWebUiDatabaseUrl === undefined) return values;
  const isSet = (key: VariableKey) => read(VARIABLES[key].name) !== undefined;
  return {
    ...values,
    ...(!isSet("manager") && { manager: "redis" }),
    ...(!isSet("maxPayloadBytes") && { maxPayloadBytes: OPEN_WEBUI_PAYLOAD_BYTES }),
    // As its own reapers, which look at the same sessions.
    ...(!isSet("sessionTimeoutMs") && {
      sessionTimeoutMs: Math.max(values.sessionTimeoutMs, 4 * values.heartbeatIntervalMs),
    }),
    ...(!isSet("sendBufferLimitBytes") && { sendBufferLimitBytes: 2 * OPEN_WEBUI_PAYLOAD_BYTES }),
  };
}

/** What the mode asks for beside its database. */
function neededByOpenWebUi({ manager, secretKey }: Values): string[] {
  const faults: string[] = [];
  if (manager !== "redis") {
    faults.push(
      'WEBSOCKET_MANAGER: with OPEN_WEBUI_DATABASE_URL; allowed: "redis", or not set, which is the same there',
    );
  }
  if (secretKey === undefined) {
    faults.push(
      "WEBUI_SECRET_KEY: not set; allowed: with OPEN_WEBUI_DATABASE_URL, the key that Open WebUI signs its tokens with",
    );
  }
  return faults;
}

/** What several processes on one port ask for. */
function neededByInstances({ manager, kvPath, port, transports }: Values): string[] {
  const faults: string[] = [];
  const isShared = manager === "redis" || /^https?:/.test(kvPath);
  if (!isShared) {
    faults.push(
      'INSTANCES: more than 1; allowed: with what they share, WEBSOCKET_MANAGER="redis" or DENO_KV_PATH at a KV Connect server (https://…)',
    );
  }
  if (port === 0) faults.push("INSTANCES: more than 1; allowed: with a PORT, which they share");
  if (transports !== "websocket") {
    faults.push(
      "INSTANCES: more than 1; allowed: without polling (ENABLE_WEBSOCKET_SUPPORT), whose requests would reach any of them",
    );
  }
  return faults;
}

/** What each variable allows, but not together. */
function contradictions(values: Values): string[] {
  const faults = values.openWebUiDatabaseUrl === undefined ? [] : neededByOpenWebUi(values);
  if (values.instances > 1) faults.push(...neededByInstances(values));
  if (values.manager === "redis") {
    if (values.redisUrl === undefined && values.sentinelHosts === undefined) {
      faults.push(
        'WEBSOCKET_MANAGER: "redis"; allowed: with WEBSOCKET_REDIS_URL, REDIS_URL or WEBSOCKET_SENTINEL_HOSTS',
      );
    }
    if (values.isRedisCluster && values.sentinelHosts !== undefined) {
      faults.push(
        "WEBSOCKET_REDIS_CLUSTER: true; allowed: without WEBSOCKET_SENTINEL_HOSTS: a cluster has no sentinels",
      );
    }
  }
  if (values.sendBufferLimitBytes <= values.maxPayloadBytes) {
    faults.push(
      `SEND_BUFFER_LIMIT: ${values.sendBufferLimitBytes}; allowed: more than WEBSOCKET_MAX_PAYLOAD (${values.maxPayloadBytes})`,
    );
  }
  if (values.sessionTimeoutMs <= values.heartbeatIntervalMs) {
    faults.push(
      `SESSION_TIMEOUT: ${
        values.sessionTimeoutMs / 1_000
      }; allowed: more than WEBSOCKET_HEARTBEAT_INTERVAL (${values.heartbeatIntervalMs / 1_000})`,
    );
  }
  return faults;
}

function doubts(values: Values): string[] {
  const warnings: string[] = [];
  if (values.secretKey !== undefined && values.secretKey.length < 16) {
    warnings.push("WEBUI_SECRET_KEY has fewer than 16 characters and can be guessed");
  }
  if (values.pingTimeoutMs > values.pingIntervalMs) {
    warnings.push("WEBSOCKET_SERVER_PING_TIMEOUT is longer than WEBSOCKET_SERVER_PING_INTERVAL");
  }
  return warnings;
}

function retired(read: (name: string) => string | undefined): string[] {
  return Object.entries(RETIRED_VARIABLES)
    .filter(([name]) => read(name) !== undefined)
    .map(([name, why]) => `${name} has no effect any more: ${why}; remove the variable`);
}

/** The configuration for the start log: secrets are only said to be set. */
export function describeConfig(config: Config): Record<string, unknown> {
  const lines = Object.entries(config).map(([key, value]) => {
    const variable = (VARIABLES as Record<string, Variable<unknown>>)[key];
    if (value !== undefined && variable?.isSecret) return [key, "(secret)"];
    return [key, typeof value === "string" ? value.replace(/\/\/.*@/gs, "//(secret)@") : value];
  });
  return Object.fromEntries(lines);
}
