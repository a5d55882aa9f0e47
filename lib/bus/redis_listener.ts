import type { Redis } from "ioredis";
import { settledWithin } from "../common/deadline.ts";
import { AppError, errorText } from "../common/errors.ts";
import { disconnect, subscriptionClient } from "../redis/clients.ts";
import { isRefusal } from "../redis/errors.ts";
import type { HostAndPort, RedisConnectionOptions, RedisTarget } from "../redis/options.ts";
import { ReconnectingClient } from "../redis/reconnecting_client.ts";
import { readBytesOf } from "../redis/silence_watch.ts";
import type { ChannelHandlers, Listening } from "./bus.ts";

/** Channels of one command. */
const CHANNELS_PER_COMMAND = 500;

/**
 * How often is looked within the time of an answer. More than once, as an instance that stood still
 * itself finds its time over before it reads what has come.
 */
const LOOKS = 2;

export interface RedisListenerOptions {
  target: RedisTarget;
  connection: RedisConnectionOptions;
  /** Channels that begin so are sharded; `undefined` where the server knows none. */
  shardedPrefix: string | undefined;
  /** A channel that is subscribed as a sign of life, and to hear when its shard has moved. */
  heartbeatChannel: string;
  /** The nodes of a cluster, as far as they are known. */
  knownNodes(): HostAndPort[];
}

interface Channel {
  readonly handlers: ChannelHandlers;
  readonly live: PromiseWithResolvers<void>;
  /** The connection on which the server has confirmed it last. */
  on: Redis | undefined;
}

/**
 * What is listened to, on one connection that is kept for ever: a lost one is replaced, all channels
 * are subscribed again, and whoever listened is told of the gap. In a cluster it leads to the node
 * that owns the sharded channels: any node that is asked first says who that is.
 *
 * Joining and leaving gather for a turn of the event loop and then go as one command each, so a
 * room that empties and fills again at once costs nothing.
 */
export class RedisListener implements AsyncDisposable {
  readonly #options: RedisListenerOptions;
  readonly #channels = new Map<string, Channel>();
  readonly #connection: ReconnectingClient<Redis>;
  readonly #timeoutMs: number;
  readonly #changed = new Set<string>();
  /** What the connection in use has been asked to send. */
  #asked = new Set<string>();
  #owner: HostAndPort | undefined;
  #attempts = 0;
  #isFlushing = false;
  #heartbeat: ReturnType<typeof setInterval> | undefined;

  constructor(options: RedisListenerOptions) {
    const { target, connection } = options;
    this.#options = options;
    this.#timeoutMs = connection.commandTimeoutMs ?? 3_000;
    this.#connection = new ReconnectingClient({
      name: "bus, listening",
      open: () => subscriptionClient(target, connection, this.#nextNode()),
      prepare: (client) => this.#prepare(client),
      onUp: (client) => this.#onUp(client),
      onDown: () => clearInterval(this.#heartbeat),
      connectTimeoutMs: connection.connectTimeoutMs ?? 5_000,
      logger: connection.logger,
    });
  }

  isUp(): boolean {
    return this.#connection.client !== undefined;
  }

  /** @throws {TypeError} when the channel has a listener already */
  listen(name: string, handlers: ChannelHandlers): Listening {
    if (this.#channels.has(name)) throw new TypeError(`Cannot listen twice to: ${name}`);
    const channel: Channel = { handlers, live: Promise.withResolvers(), on: undefined };
    this.#channels.set(name, channel);
    this.#change(name);
    const stop = () => {
      if (this.#channels.get(name) !== channel) return;
      this.#channels.delete(name);
      channel.live.resolve();
      this.#change(name);
    };
    return { live: channel.live.promise, stop };
  }

  /** The owner of the shard, if a node named it; else the known nodes in turns. */
  #nextNode(): HostAndPort | undefined {
    const { target, knownNodes } = this.#options;
    if (target.shape !== "cluster") return undefined;
    const owner = this.#owner;
    this.#owner = undefined;
    if (owner !== undefined) return owner;
    const nodes = [...knownNodes(), ...target.nodes];
    return nodes[this.#attempts++ % nodes.length];
  }

  #change(name: string): void {
    const client = this.#connection.client;
    this.#changed.add(name);
    // Without a connection, the next one subscribes what is wanted then.
    if (client === undefined || this.#isFlushing) return;
    this.#isFlushing = true;
    queueMicrotask(() => {
      this.#isFlushing = false;
      if (this.#connection.client === client) this.#flush(client);
      else if (this.#connection.client !== undefined) this.#flush(this.#connection.client);
    });
  }

  #flush(client: Redis): void {
    const names = [...this.#changed];
    this.#changed.clear();
    const joining = names.filter((name) => this.#missesOn(client, name));
    const leaving = names.filter((name) => !this.#channels.has(name) && this.#asked.has(name));
    for (const some of this.#chunks(joining)) this.#own(client, this.#subscribe(client, some));
    for (const some of this.#chunks(leaving)) this.#own(client, this.#unsubscribe(client, some));
  }

  #missesOn(client: Redis, name: string): boolean {
    const channel = this.#channels.get(name);
    return channel !== undefined && channel.on !== client;
  }

  /** A connection that refuses is left for another. */
  #own(client: Redis, work: Promise<void>): void {
    work.catch((error) => {
      this.#follow(error);
      void disconnect(client);
    });
  }

  /** Reads the owner of the shard from `MOVED 1234 host:port`. */
  #follow(error: unknown): void {
    const [, host, port] = /^MOVED \d+ (.*):(\d+)$/.exec(errorText(error)) ?? [];
    if (host) {
      this.#owner = { host, port: Number(port) };
    } else if (isRefusal(error)) this.#tellRefused(undefined, error);
  }

  async #subscribe(client: Redis, names: string[]): Promise<void> {
    const channels = names.map((name) => this.#channels.get(name));
    for (const name of names) this.#asked.add(name);
    try {
      await this.#answer(client, this.#ask(client, names));
    } catch (error) {
      if (!isRefusal(error)) throw error;
      if (names.length === 1) return this.#tellRefused(names[0], error);
      // One channel that the user may not hear takes no other with it.
      for (const name of names) await this.#subscribe(client, [name]);
      return;
    }
    for (const channel of channels) {
      if (channel === undefined) continue;
      const isBack = channel.on !== undefined && channel.on !== client;
      channel.on = client;
      channel.live.resolve();
      if (isBack) this.#guarded(() => channel.handlers.onGap?.());
    }
  }

  #tellRefused(channel: string | undefined, error: unknown): void {
    const { logger } = this.#options.connection;
    logger.error("bus: Redis refused a subscription", { channel, error: errorText(error) });
  }

  /** All of them sharded, or none. */
  async #ask(client: Redis, names: string[]): Promise<void> {
    await (names.some((name) => this.#isSharded(name))
      ? client.ssubscribe(...names)
      : client.subscribe(...names));
  }

  async #unsubscribe(client: Redis, names: string[]): Promise<void> {
    for (const name of names) this.#asked.delete(name);
    const asked = names.some((name) => this.#isSharded(name))
      ? client.sunsubscribe(...names)
      : client.unsubscribe(...names);
    await this.#answer(client, asked);
  }

  /**
   * Waits for an answer. It stands behind all that was published before it, so it is late once
   * nothing at all has come for so long: who gave up sooner would lose what is on its way.
   */
  async #answer(client: Redis, answer: Promise<unknown>): Promise<void> {
    let readBytes = readBytesOf(client);
    for (let silentLooks = 0; !await settledWithin(answer, this.#timeoutMs / LOOKS);) {
      const before = readBytes;
      readBytes = readBytesOf(client);
      silentLooks = readBytes === before ? silentLooks + 1 : 0;
      if (silentLooks === LOOKS) throw new AppError("unavailable", "Redis does not answer.");
    }
    await answer;
  }

  #isSharded(name: string): boolean {
    const { shardedPrefix } = this.#options;
    return shardedPrefix !== undefined && name.startsWith(shardedPrefix);
  }

  /** Each for one command. */
  *#chunks(names: string[]): Iterable<string[]> {
    const kinds = Map.groupBy(names, (name) => this.#isSharded(name));
    for (const some of kinds.values()) {
      for (let at = 0; at < some.length; at += CHANNELS_PER_COMMAND) {
        yield some.slice(at, at + CHANNELS_PER_COMMAND);
      }
    }
  }

  async #prepare(client: Redis): Promise<void> {
    this.#asked = new Set();
    const onMessage = (name: string, text: string) => {
      const channel = this.#channels.get(name);
      if (channel !== undefined) this.#guarded(() => channel.handlers.onMessage(text));
    };
    client.on("smessage", onMessage);
    client.on("message", onMessage);
    try {
      await this.#ask(client, [this.#options.heartbeatChannel]);
      const names = [...this.#channels.keys()];
      for (const some of this.#chunks(names)) await this.#subscribe(client, some);
    } catch (error) {
      this.#follow(error);
      throw error;
    }
  }

  #onUp(client: Redis): void {
    this.#attempts = 0;
    this.#flush(client);
    const { connection, heartbeatChannel } = this.#options;
    let wasMember = false;
    this.#heartbeat = setInterval(() => {
      const isMember = this.#isMember(client);
      if (wasMember && isMember === false) return void disconnect(client);
      wasMember ||= isMember === true;
      const sign = this.#ask(client, [heartbeatChannel]);
      this.#own(client, this.#answer(client, sign));
    }, connection.heartbeatMs ?? 5_000);
  }

  /**
   * Whether the node is one that the cluster names: one that was and no longer is hears nothing of
   * plain channels any more. Not known where no node is, and of one that goes by another name.
   */
  #isMember({ options }: Redis): boolean | undefined {
    const nodes = this.#options.knownNodes();
    if (nodes.length === 0) return undefined;
    return nodes.some(({ host, port }) => options.host === host && options.port === port);
  }

  #guarded(call: () => void): void {
    try {
      call();
    } catch (error) {
      const { logger } = this.#options.connection;
      logger.error("bus: a listener failed", { error: errorText(error) });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#heartbeat);
    for (const { live } of this.#channels.values()) live.resolve();
    this.#channels.clear();
    await this.#connection[Symbol.asyncDispose]();
  }
}
