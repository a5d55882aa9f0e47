import { Cluster, Redis, type RedisOptions } from "ioredis";
import type { HostAndPort, RedisConnectionOptions, RedisTarget } from "./options.ts";
import { isReadonly } from "./errors.ts";
import { silenceWatch } from "./silence_watch.ts";

export type CommandClient = Redis | Cluster;

/** How long a closing socket may linger before it is destroyed. */
const DISCONNECT_TIMEOUT_MS = 250;

/**
 * Leaves a master that has become a replica. Every answer of a pipeline says so, and ioredis 6.0.0
 * adds a listener to the socket each time it is told to leave: once is enough.
 */
function readonlyNotice(): (error: Error) => boolean {
  let leftAtMs = -Infinity;
  return (error) => {
    const now = performance.now();
    if (!isReadonly(error) || now - leftAtMs < DISCONNECT_TIMEOUT_MS) return false;
    leftAtMs = now;
    return true;
  };
}

/**
 * What all connections share. A client lives for one connection and never retries by itself:
 * `ReconnectingClient` opens the next one, `RedisConnection` sends commands again. So the library's own queues,
 * resends and resubscriptions, of which some are unbounded and some reject with no one listening,
 * stay out of use.
 */
function common(target: RedisTarget, options: RedisConnectionOptions): RedisOptions {
  const { connectTimeoutMs = 5_000, tlsCa } = options;
  return {
    username: target.username,
    password: target.password,
    db: target.db,
    tls: target.tls ? (tlsCa === undefined ? {} : { ca: tlsCa }) : undefined,
    connectionName: "webui-realtime",
    lazyConnect: true,
    connectTimeout: connectTimeoutMs,
    disconnectTimeout: DISCONNECT_TIMEOUT_MS,
    autoResubscribe: false,
    autoResendUnfulfilledCommands: false,
    reconnectOnError: readonlyNotice(),
  };
}

/** A peer that vanished without a word: whoever waits has been told by the deadline long ago. */
function watched<C extends CommandClient>(client: C, options: RedisConnectionOptions): C {
  const { connectTimeoutMs = 5_000, commandTimeoutMs = 3_000 } = options;
  silenceWatch.add(client, connectTimeoutMs + commandTimeoutMs);
  return client;
}

function single(
  target: RedisTarget,
  options: RedisConnectionOptions,
  node: HostAndPort,
  more: RedisOptions,
): Redis {
  const shared: RedisOptions = {
    ...common(target, options),
    retryStrategy: () => null,
    ...more,
  };
  if (target.shape !== "sentinel") return watched(new Redis({ ...shared, ...node }), options);
  const client = new Redis({
    ...shared,
    sentinels: target.nodes,
    name: target.service,
    sentinelRetryStrategy: () => null,
    sentinelCommandTimeout: options.commandTimeoutMs ?? 3_000,
    enableTLSForSentinelMode: target.tls,
  });
  return watched(client, options);
}

function firstNode(target: RedisTarget): HostAndPort {
  const [node] = target.nodes;
  if (node === undefined) throw new Error("A Redis target without a node");
  return node;
}

/**
 * The connection (in a cluster, one a node) that carries every command. What is sent in one turn of the
 * event loop goes as one pipeline at its end, unless the caller gathers by itself.
 */
export function commandClient(
  target: RedisTarget,
  options: RedisConnectionOptions,
  { enableAutoPipelining = true } = {},
): CommandClient {
  if (target.shape !== "cluster") {
    return single(target, options, firstNode(target), { enableAutoPipelining });
  }
  const cluster = new Cluster(target.nodes, {
    redisOptions: common(target, options),
    lazyConnect: true,
    enableAutoPipelining,
    clusterRetryStrategy: () => null,
    retryDelayOnFailover: 0,
    // Each refresh opens a connection, so they follow errors, not a clock.
    slotsRefreshInterval: 0,
    slotsRefreshTimeout: options.connectTimeoutMs ?? 5_000,
    // A certificate names a host, not the address it resolves to.
    ...(target.tls
      ? {
        dnsLookup: (name: string, found: (e: null, address: string) => void) => found(null, name),
      }
      : {}),
  });
  return watched(cluster, options);
}

/** The nodes of a cluster, as far as its client knows them. */
export function nodesOf(client: CommandClient | undefined): HostAndPort[] {
  if (client === undefined || !("nodes" in client)) return [];
  return client.nodes("all").map(({ options }) => ({
    host: options.host ?? "",
    port: options.port ?? 0,
  }));
}

/** The connection that listens; in a cluster to `node`. */
export function subscriptionClient(
  target: RedisTarget,
  options: RedisConnectionOptions,
  node: HostAndPort | undefined,
): Redis {
  return single(target, options, node ?? firstNode(target), {});
}

/**
 * Closes a connection, unless it has ended by itself: the library waits for a closed socket to
 * close with a timer that nothing clears. Resolves when all is closed; a cluster's client says so
 * with the first of its nodes.
 */
export async function disconnect(client: CommandClient): Promise<void> {
  if (client.status === "end") return;
  const all = "nodes" in client ? [client, ...client.nodes("all")] : [client];
  const ended = all.map((one) => new Promise<void>((resolve) => one.once("end", () => resolve())));
  client.disconnect();
  await Promise.all(ended);
}
