import { AppError, errorText } from "../common/errors.ts";
import { type CommandClient, commandClient, nodesOf } from "../redis/clients.ts";
import { deadline, SharedDeadline } from "../common/deadline.ts";
import { asStoreError } from "../redis/errors.ts";
import { ReconnectingClient } from "../redis/reconnecting_client.ts";
import { parseRedisTarget, type RedisConnectionOptions } from "../redis/options.ts";
import { type Bus, type ChannelHandlers, type Channels, type Listening, tooLarge } from "./bus.ts";
import { RedisListener } from "./redis_listener.ts";

export interface RedisBusOptions extends RedisConnectionOptions {
  /** What stands in front of every channel. Default: `open-webui`. */
  keyPrefix?: string;
}

/**
 * Texts of one pipeline. Several short ones are under way sooner than a long one, whose commands
 * are put together before the first byte leaves.
 */
const MAX_TEXTS_PER_PIPELINE = 128;

/** Each UTF-16 unit takes at most three bytes, so that a text takes less than 512 KiB. */
const MAX_CHARS = 170_000;
/** Others' protocols know no parts: as much as Open WebUI takes from a socket goes in one piece. */
const MAX_PLAIN_CHARS = 16 * 1024 * 1024;

/**
 * In a cluster the client sends a plain PUBLISH to any node, so that two could overtake each other.
 * A script goes where its key is: all leave from one node, in order. Its key is the own channels'.
 */
const ORDERED_PUBLISH = "return redis.call('PUBLISH', ARGV[1], ARGV[2])";

type Command = "spublish" | "publish" | "ordered publish";

/** A client, or a pipeline of it. */
interface Publisher<Sent> {
  spublish(channel: string, text: string): Sent;
  publish(channel: string, text: string): Sent;
  eval(script: string, keys: number, ...keyAndArgs: string[]): Sent;
}

interface Gathered {
  readonly command: Command;
  readonly channel: string;
  readonly text: string;
  readonly receipt: PromiseWithResolvers<void>;
}

/**
 * The bus over Redis' publish/subscribe, on two connections of its own: one that publishes (in a
 * cluster one a master), so that what is large here holds up no command of the state, and one that
 * listens to whatever there is, so that what comes keeps its order from channel to channel.
 *
 * Its own channels are sharded and share one hash tag: in a cluster they live on one shard, and the
 * other shards hear nothing of them. Plain ones reach every node, so the listening connection hears
 * both. Servers before 7.0 don't know sharded channels: then ordinary ones are used.
 *
 * What is published in one turn of the event loop goes as pipelines, which follow each other without
 * waiting: a command of its own for each would cost twice the time.
 */
class RedisBus implements Bus {
  readonly name: string;
  readonly maxChars = MAX_CHARS;
  readonly plain: Channels;
  readonly #publisher: ReconnectingClient<CommandClient>;
  readonly #listener: RedisListener;
  readonly #prefix: string;
  readonly #timeoutMs: number;
  readonly #deadline: SharedDeadline;
  readonly #command: Command;
  #gathered: Gathered[] = [];

  constructor(
    publisher: ReconnectingClient<CommandClient>,
    isSharded: boolean,
    prefix: string,
    options: RedisBusOptions,
  ) {
    const target = parseRedisTarget(options);
    this.name = `redis ${target.shape}${isSharded ? "" : " (not sharded)"}`;
    this.#publisher = publisher;
    const plain = target.shape === "cluster" ? "ordered publish" : "publish";
    this.#command = isSharded ? "spublish" : plain;
    this.#prefix = prefix;
    this.#timeoutMs = options.commandTimeoutMs ?? 3_000;
    this.#deadline = new SharedDeadline(this.#timeoutMs, "Redis publish");
    this.#listener = new RedisListener({
      target,
      connection: options,
      shardedPrefix: isSharded ? prefix : undefined,
      heartbeatChannel: prefix,
      knownNodes: () => nodesOf(publisher.client),
    });
    this.plain = {
      publish: (channel, text) => this.#publish(plain, channel, text, MAX_PLAIN_CHARS),
      listen: (channel, handlers) => this.#listener.listen(channel, handlers),
    };
  }

  isUp(): boolean {
    return this.#publisher.client !== undefined && this.#listener.isUp();
  }

  publish(channel: string, text: string): Promise<void> {
    return this.#publish(this.#command, this.#prefix + channel, text, MAX_CHARS);
  }

  #publish(command: Command, channel: string, text: string, maxChars: number): Promise<void> {
    if (text.length > maxChars) return Promise.reject(tooLarge(maxChars));
    const receipt = Promise.withResolvers<void>();
    const count = this.#gathered.push({ command, channel, text, receipt });
    if (count === MAX_TEXTS_PER_PIPELINE) this.#flush();
    else if (count === 1) queueMicrotask(() => this.#flush());
    return receipt.promise;
  }

  #flush(): void {
    const gathered = this.#gathered;
    this.#gathered = [];
    if (gathered.length > 0) void this.#send(gathered);
  }

  /** Never rejects: each text has a receipt of its own. */
  async #send(texts: Gathered[]): Promise<void> {
    try {
      const client = this.#publisher.client ?? await this.#publisher.whenUp(this.#timeoutMs);
      const [first] = texts;
      if (first !== undefined && texts.length === 1) {
        await this.#deadline.limit(this.#put(client, first));
        first.receipt.resolve();
        return;
      }
      const pipeline = client.pipeline();
      for (const text of texts) void this.#put(pipeline, text);
      const sent = await this.#deadline.limit(pipeline.exec());
      texts.forEach(({ receipt }, i) => {
        const error = sent?.[i]?.[0];
        if (error) receipt.reject(asStoreError(error));
        else receipt.resolve();
      });
      if (sent?.some(([error]) => error)) refreshSlots(client);
    } catch (error) {
      refreshSlots(this.#publisher.client);
      const refusal = asStoreError(error);
      for (const { receipt } of texts) receipt.reject(refusal);
    }
  }

  #put<Sent>(to: Publisher<Sent>, { command, channel, text }: Gathered): Sent {
    if (command !== "ordered publish") return to[command](channel, text);
    return to.eval(ORDERED_PUBLISH, 1, this.#prefix, channel, text);
  }

  listen(channel: string, handlers: ChannelHandlers): Listening {
    return this.#listener.listen(this.#prefix + channel, handlers);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([
      this.#publisher[Symbol.asyncDispose](),
      this.#listener[Symbol.asyncDispose](),
    ]);
    this.#deadline[Symbol.dispose]();
  }
}

/** In a cluster, the shard may have moved. */
function refreshSlots(client: CommandClient | undefined): void {
  if (client !== undefined && "refreshSlotsCache" in client) client.refreshSlotsCache(() => {});
}

/** Asks by doing: a version number says nothing of servers that only speak the protocol. */
async function knowsShards(client: CommandClient, channel: string): Promise<boolean> {
  try {
    await client.spublish(channel, "");
    return true;
  } catch (error) {
    if (/unknown command/i.test(errorText(error))) return false;
    throw asStoreError(error);
  }
}

/**
 * Connects to Redis and finds out how it publishes.
 *
 * @throws {AppError} `unavailable` when Redis can't be reached within `connectTimeoutMs`,
 * `invalid_payload` for an address that leads nowhere.
 */
export async function openRedisBus(options: RedisBusOptions): Promise<Bus> {
  const { keyPrefix = "open-webui", connectTimeoutMs = 5_000, logger } = options;
  const target = parseRedisTarget(options);
  const prefix = `${keyPrefix}:rt:{bus}:`;
  const publisher = new ReconnectingClient({
    name: "bus, publishing",
    // The bus gathers by itself, and what it sends need not wait for the end of the turn.
    open: () => commandClient(target, options, { enableAutoPipelining: false }),
    connectTimeoutMs,
    logger,
  });
  try {
    const client = await publisher.whenUp(connectTimeoutMs);
    const isSharded = await deadline(knowsShards(client, prefix), connectTimeoutMs, "Redis");
    logger.info("bus: over Redis", { shape: target.shape, sharded: isSharded });
    return new RedisBus(publisher, isSharded, prefix, options);
  } catch (error) {
    await publisher[Symbol.asyncDispose]();
    throw error instanceof AppError ? error : asStoreError(error);
  }
}
