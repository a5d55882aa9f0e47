import type { Redis } from "ioredis";
import { AppError, errorText } from "../common/errors.ts";
import type { Logger } from "../common/logger.ts";
import { disconnect, subscriptionClient } from "./clients.ts";
import { deadline } from "../common/deadline.ts";
import { asStoreError, isPassing } from "./errors.ts";
import { ReconnectingClient } from "./reconnecting_client.ts";
import type { HostAndPort, RedisConnectionOptions, RedisTarget } from "./options.ts";

/** Channels of one SUBSCRIBE. */
const CHANNELS_PER_COMMAND = 500;

export interface ChannelHandlers {
  onMessage(message: string): void;
  /** Messages may have been missed. */
  onGap?(): void;
}

/** A channel that somebody listens to. */
interface Channel {
  readonly handlers: Set<ChannelHandlers>;
  /** The connection on which the server has confirmed it last. */
  on: Redis | undefined;
  readonly live: PromiseWithResolvers<void>;
}

/**
 * What is listened to, on one connection that is kept for ever. A lost connection is replaced, all
 * channels are subscribed again, and whoever listened is told of the gap. A connection that died
 * without a word is found out by a heartbeat.
 */
export class Subscriptions implements AsyncDisposable {
  readonly #channels = new Map<string, Channel>();
  readonly #connection: ReconnectingClient<Redis>;
  readonly #logger: Logger;
  readonly #timeoutMs: number;
  readonly #budgetMs: number;
  readonly #heartbeatMs: number;
  readonly #nodes: () => HostAndPort[];
  #heartbeat: ReturnType<typeof setInterval> | undefined;

  constructor(target: RedisTarget, options: RedisConnectionOptions, nodes: () => HostAndPort[]) {
    const { commandTimeoutMs = 3_000, maxRetryCount = 2, heartbeatMs = 5_000 } = options;
    this.#logger = options.logger;
    this.#timeoutMs = commandTimeoutMs;
    this.#budgetMs = commandTimeoutMs * (1 + maxRetryCount);
    this.#heartbeatMs = heartbeatMs;
    this.#nodes = nodes;
    this.#connection = new ReconnectingClient({
      name: "subscriptions",
      open: () => subscriptionClient(target, options, anyOf([...nodes(), ...startNodes(target)])),
      prepare: (client) => this.#prepare(client),
      onUp: (client) => this.#onUp(client),
      onDown: () => clearInterval(this.#heartbeat),
      connectTimeoutMs: options.connectTimeoutMs ?? 5_000,
      logger: options.logger,
    });
  }

  async whenUp(timeoutMs: number): Promise<void> {
    await this.#connection.whenUp(timeoutMs);
  }

  /**
   * Listens to a channel; returns when the server has confirmed it. The result ends it.
   *
   * @throws {AppError} `unavailable` when that takes longer than a command may.
   */
  async subscribe(name: string, handlers: ChannelHandlers): Promise<() => Promise<void>> {
    // Two subscriptions with the same handlers are two: each gets an identity of its own.
    const own: ChannelHandlers = { ...bound(handlers) };
    let channel = this.#channels.get(name);
    if (channel === undefined) {
      channel = { handlers: new Set(), on: undefined, live: Promise.withResolvers() };
      channel.live.promise.catch(() => {});
      this.#channels.set(name, channel);
      const client = this.#connection.client;
      if (client !== undefined) this.#confirm(client, [name], channel);
    }
    channel.handlers.add(own);
    const end = () => this.#leave(name, channel, own);
    try {
      await deadline(channel.live.promise, this.#budgetMs, "Redis subscribe");
      return end;
    } catch (error) {
      await end();
      throw asStoreError(error);
    }
  }

  /** Subscribes one new channel; a connection lost meanwhile leaves it to the next one. */
  #confirm(client: Redis, names: string[], channel: Channel): void {
    this.#subscribeAll(client, names).catch((error) => {
      if (isPassing(error)) return disconnect(client);
      channel.live.reject(error);
    });
  }

  /** Subscribes the channels and tells those that were subscribed before of the gap. */
  async #subscribeAll(client: Redis, names: string[]): Promise<void> {
    const before = names.map((name) => this.#channels.get(name));
    await deadline(client.subscribe(...names), this.#timeoutMs, "Redis subscribe");
    for (const channel of before) {
      if (channel === undefined) continue;
      const gap = channel.on !== undefined && channel.on !== client;
      channel.on = client;
      channel.live.resolve();
      if (gap) this.#each(channel, "a gap", (handlers) => handlers.onGap?.());
    }
  }

  #missingOn(client: Redis): string[] {
    return [...this.#channels].filter(([, channel]) => channel.on !== client).map(([name]) => name);
  }

  async #prepare(client: Redis): Promise<void> {
    client.on("message", (name, message) => {
      const channel = this.#channels.get(name);
      if (channel === undefined) return;
      this.#each(channel, "a message", (handlers) => handlers.onMessage(message));
    });
    const names = this.#missingOn(client);
    for (let at = 0; at < names.length; at += CHANNELS_PER_COMMAND) {
      await this.#subscribeAll(client, names.slice(at, at + CHANNELS_PER_COMMAND));
    }
  }

  #onUp(client: Redis): void {
    // Whoever came while the others were subscribed.
    for (const name of this.#missingOn(client)) {
      const channel = this.#channels.get(name);
      if (channel !== undefined) this.#confirm(client, [name], channel);
    }
    // A node that was of the cluster and no longer is hears nothing any more. (One that never was
    // is known by another name.)
    let member = false;
    this.#heartbeat = setInterval(() => {
      const nodes = this.#nodes();
      const here = nodes.some((node) => isAt(client, node));
      if (member && !here && nodes.length > 0) void disconnect(client);
      else this.#check(client);
      member ||= here;
    }, this.#heartbeatMs);
  }

  /** Leaves a connection that is dead. */
  #check(client: Redis): void {
    deadline(client.ping(), this.#timeoutMs, "Redis ping").catch(() => disconnect(client));
  }

  /** One handler that throws takes nothing from the others. */
  #each(channel: Channel, what: string, call: (handlers: ChannelHandlers) => void): void {
    for (const handlers of [...channel.handlers]) {
      try {
        call(handlers);
      } catch (error) {
        this.#logger.error(`redis: a handler failed on ${what}`, { error: errorText(error) });
      }
    }
  }

  async #leave(name: string, channel: Channel, handlers: ChannelHandlers): Promise<void> {
    channel.handlers.delete(handlers);
    if (channel.handlers.size > 0 || this.#channels.get(name) !== channel) return;
    this.#channels.delete(name);
    const client = this.#connection.client;
    if (client === undefined) return;
    // If this fails, the connection is gone, and the subscription with it.
    await deadline(client.unsubscribe(name), this.#timeoutMs, "Redis unsubscribe")
      .catch(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#heartbeat);
    const closed = new AppError("unavailable", "The Redis connection is closed.");
    for (const channel of this.#channels.values()) channel.live.reject(closed);
    this.#channels.clear();
    await this.#connection[Symbol.asyncDispose]();
  }
}

function bound(handlers: ChannelHandlers): ChannelHandlers {
  return {
    onMessage: (message) => handlers.onMessage(message),
    onGap: () => handlers.onGap?.(),
  };
}

function isAt({ options }: Redis, { host, port }: HostAndPort): boolean {
  return options.host === host && options.port === port;
}

function anyOf(nodes: HostAndPort[]): HostAndPort | undefined {
  return nodes[Math.floor(Math.random() * nodes.length)];
}

function startNodes(target: RedisTarget): HostAndPort[] {
  return target.shape === "cluster" ? target.nodes : [];
}
