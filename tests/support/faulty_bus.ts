import type { Bus, ChannelHandlers, Channels } from "../../lib/bus/bus.ts";
import { MemoryHub } from "../../lib/bus/kv_bus.ts";
import { namedChannel } from "../../lib/bus/named_channel.ts";
import { ReliableTransport, type TransportOptions } from "../../lib/bus/reliable_transport.ts";
import type { NamedChannel, Topics } from "../../lib/bus/topics.ts";
import { TransportTopics, type TransportTopicsOptions } from "../../lib/bus/transport_topics.ts";
import { AppError } from "../../lib/common/errors.ts";
import { silentLogger } from "../../lib/common/logger.ts";

/** A bus within the test, for any number of instances, that fails on demand. */
export class FaultyHub {
  /** What is published is lost, and nobody is told. */
  isCut = false;
  /** What is published is refused. */
  isAway = false;
  /** How many texts were refused. */
  refused = 0;
  readonly #hub = new MemoryHub(silentLogger);
  readonly #handlers = new Set<ChannelHandlers>();

  connect(): Bus {
    const real = this.#hub.connect();
    return {
      name: "faulty",
      maxChars: real.maxChars,
      ...this.#faulty(real),
      plain: this.#faulty(real.plain),
      [Symbol.asyncDispose]: () => real[Symbol.asyncDispose](),
    };
  }

  #faulty(real: Channels): Channels {
    return {
      publish: (channel, text) => {
        if (this.isCut) return Promise.resolve();
        if (!this.isAway) return real.publish(channel, text);
        this.refused++;
        return Promise.reject(new AppError("unavailable", "away"));
      },
      listen: (channel, handlers) => {
        this.#handlers.add(handlers);
        const { live, stop } = real.listen(channel, handlers);
        return { live, stop: () => (this.#handlers.delete(handlers), stop()) };
      },
    };
  }

  /** The bus is back, and tells all who listen that they may have missed something. */
  heal(): void {
    this.isCut = this.isAway = false;
    for (const { onGap } of [...this.#handlers]) onGap?.();
  }
}

/** An instance's place on a bus, and what its parts use of it. */
export interface OnBus extends AsyncDisposable {
  bus: Bus;
  transport: ReliableTransport;
  topics: Topics;
  commands: NamedChannel;
}

export function onBus(
  bus: Bus,
  options: Partial<TransportOptions & TransportTopicsOptions> = {},
): OnBus {
  const logger = options.logger ?? silentLogger;
  const transport = new ReliableTransport({ ...options, bus, logger });
  return {
    bus,
    transport,
    topics: new TransportTopics({ ...options, transport, logger }),
    commands: namedChannel(bus, "tasks:commands", logger),
    async [Symbol.asyncDispose]() {
      await transport[Symbol.asyncDispose]();
      await bus[Symbol.asyncDispose]();
    },
  };
}

const hubs = new WeakMap<object, FaultyHub>();

/** The bus of the instances that share the store. */
export function hubOf(store: object): FaultyHub {
  const hub = hubs.get(store) ?? new FaultyHub();
  hubs.set(store, hub);
  return hub;
}
