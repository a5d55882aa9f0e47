import type { Bus, Listening } from "../bus/bus.ts";
import { openKvBus } from "../bus/kv_bus.ts";
import { namedChannel } from "../bus/named_channel.ts";
import { ReliableTransport } from "../bus/reliable_transport.ts";
import type { NamedChannel, Topics } from "../bus/topics.ts";
import { TransportTopics } from "../bus/transport_topics.ts";
import { type Cluster, joinCluster } from "../cluster/cluster.ts";
import type { Logger } from "../common/logger.ts";
import type { Config } from "../config.ts";
import { isGivenBack } from "../realtime/comebacks.ts";
import { visibleSession } from "../realtime/remote_instances.ts";
import { keys } from "../state/key_space.ts";
import { migrate } from "../state/schema.ts";
import type { StateStore } from "../state/state_store.ts";
import { openStore, redisOptions } from "./store.ts";

/** What everything else stands on, whatever it is a server for. */
export interface Foundation {
  readonly config: Config;
  readonly logger: Logger;
  /** Owns all that has an end, in the reverse order of its making. */
  readonly stack: AsyncDisposableStack;
  readonly instanceId: string;
  readonly store: StateStore;
  /** What instances tell each other. */
  readonly topics: Topics;
  /** Where Open WebUI's instances tell each other of stops. */
  readonly commands: NamedChannel;
  readonly bus: Bus;
  /** Socket.IO across instances, and questions to one of them. */
  readonly cluster: Cluster;
}

/** Where another system speaks to the same sockets: its events are kept for those who lose their connection. */
export interface Bridging {
  /** Listens to what it says in a room. */
  alsoListen(room: string, bus: Bus): Listening;
}

/**
 * @throws {AppError} `unavailable` when the store can't be opened; `conflict` when a newer version has
 * written it
 */
export async function layFoundation(
  config: Config,
  logger: Logger,
  stack: AsyncDisposableStack,
  bridging?: Bridging,
): Promise<Foundation> {
  const { store, bus } = await openShared(config, logger, stack);
  await migrate(store, { logger });
  const transport = stack.use(new ReliableTransport({ bus, logger }));
  const instanceId = crypto.randomUUID();
  const cluster = stack.use(
    joinCluster({
      ...{ transport, logger, instanceId },
      visibleData: (data) => visibleSession(data, instanceId),
      ...(bridging && {
        alsoListen: (room) => bridging.alsoListen(room, bus),
        recovery: {
          channels: bus.plain,
          marks: `${config.redisKeyPrefix}:rt:marks`,
          keeps: isGivenBack,
        },
      }),
    }),
  );
  const commands = [config.redisKeyPrefix, ...keys.taskCommands].join(":");
  return {
    ...{ config, logger, stack, instanceId, store, bus, cluster },
    topics: new TransportTopics({ transport, logger }),
    commands: namedChannel(bus, commands, logger),
  };
}

/** Opens the store, and the bus that goes with it. The stack closes the bus before the store. */
async function openShared(
  config: Config,
  logger: Logger,
  stack: AsyncDisposableStack,
): Promise<{ store: StateStore; bus: Bus }> {
  const { kind, store } = await openStore(config, logger);
  stack.use(store);
  if (kind === "kv") {
    const { database } = store;
    const keyPrefix = config.redisKeyPrefix;
    return { store, bus: stack.use(await openKvBus({ database, keyPrefix, logger })) };
  }
  const { openRedisBus } = await import("../bus/redis_bus.ts");
  return { store, bus: stack.use(await openRedisBus(redisOptions(config, logger))) };
}

/**
 * Where Open WebUI keeps its revocations of tokens: the Redis of its HTTP side, which need not be that
 * of its sockets.
 *
 * @throws {AppError} `unavailable` when it can't be reached
 */
export async function openRevocations(
  { config, logger, stack, store }: Pick<Foundation, "config" | "logger" | "stack" | "store">,
): Promise<StateStore["values"]> {
  const { sharedRedisUrl: url, sharedSentinelHosts: sentinelHosts } = config;
  const isOne = url === config.redisUrl && config.isSharedRedisCluster === config.isRedisCluster &&
    sentinelHosts?.join() === config.sentinelHosts?.join();
  if (isOne || (url === undefined && sentinelHosts === undefined)) return store.values;
  const { openRedisStore } = await import("../state/redis_store.ts");
  const own = await openRedisStore({
    logger,
    isOnlyCopy: false,
    keyPrefix: config.redisKeyPrefix,
    cluster: config.isSharedRedisCluster,
    maxRetryCount: config.redisMaxRetryCount,
    sentinelPort: config.sharedSentinelPort,
    ...(url !== undefined && { url }),
    ...(sentinelHosts !== undefined && { sentinelHosts }),
  });
  return stack.use(own).values;
}
