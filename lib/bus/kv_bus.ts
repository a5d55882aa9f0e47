import { AppError } from "../common/errors.ts";
import type { Logger } from "../common/logger.ts";
import type { KvDatabase } from "../state/kv_database.ts";
import { type Bus, type ChannelHandlers, type Channels, type Listening, tooLarge } from "./bus.ts";
import { KvRelay } from "./kv_relay.ts";
import { LocalChannels } from "./local_channels.ts";

/** A KV value takes 65,536 bytes, and a text up to two a character. */
const MAX_CHARS = 30_000;

interface Carrier {
  /** What this process listens to. */
  local: LocalChannels;
  /** Brings a text to everybody who listens, but perhaps not to this process. */
  publish(channel: string, text: string): Promise<void>;
  isAlone(): boolean;
  close(): Promise<void>;
}

/** An instance's place on a bus over Deno KV: its own channels and others' share what carries both. */
class KvBus implements Bus {
  readonly maxChars = MAX_CHARS;
  readonly plain: Channels;
  readonly #carrier: Carrier;
  readonly #listening = new Map<string, Listening>();
  #isClosed = false;

  constructor(readonly name: string, carrier: Carrier) {
    this.#carrier = carrier;
    this.plain = {
      publish: (channel, text) => this.#publish(`plain ${channel}`, text),
      listen: (channel, handlers) => this.#listen(`plain ${channel}`, handlers),
    };
  }

  isAlone(): boolean {
    return this.#carrier.isAlone();
  }

  publish(channel: string, text: string): Promise<void> {
    return this.#publish(`own ${channel}`, text);
  }

  listen(channel: string, handlers: ChannelHandlers): Listening {
    return this.#listen(`own ${channel}`, handlers);
  }

  async #publish(channel: string, text: string): Promise<void> {
    if (this.#isClosed) throw new AppError("unavailable", "The bus is closed.");
    if (text.length > MAX_CHARS) throw tooLarge(MAX_CHARS);
    await this.#carrier.publish(channel, text);
  }

  #listen(channel: string, handlers: ChannelHandlers): Listening {
    if (this.#listening.has(channel)) throw new TypeError(`Cannot listen twice to: ${channel}`);
    const { live, stop } = this.#carrier.local.listen(channel, handlers);
    const listening = {
      live,
      stop: () => {
        stop();
        if (this.#listening.get(channel) === listening) this.#listening.delete(channel);
      },
    };
    this.#listening.set(channel, listening);
    return listening;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const { stop } of [...this.#listening.values()]) stop();
    await this.#carrier.close();
  }
}

/** The bus within one process, for as many instances as there are in it. */
export class MemoryHub {
  readonly #local: LocalChannels;
  #instances = 0;

  constructor(logger: Logger) {
    this.#local = new LocalChannels(logger);
  }

  connect(): Bus {
    this.#instances++;
    return new KvBus("kv memory", {
      local: this.#local,
      publish: (channel, text) => Promise.resolve(this.#local.publish(channel, text)),
      isAlone: () => this.#instances === 1,
      close: () => Promise.resolve(void this.#instances--),
    });
  }
}

export interface KvBusOptions {
  database: KvDatabase;
  /** What stands in front of every key. */
  keyPrefix: string;
  logger: Logger;
}

/**
 * The bus over the database of the state, which outlives it.
 *
 * @throws {AppError} `unavailable` when the database does not answer
 */
export async function openKvBus({ database, keyPrefix, logger }: KvBusOptions): Promise<Bus> {
  if (database.isMemory) return new MemoryHub(logger).connect();
  const local = new LocalChannels(logger);
  const relay = new KvRelay({ database, prefix: keyPrefix, local, logger });
  await relay.start();
  return new KvBus(database.name, {
    local,
    async publish(channel, text) {
      // As other protocols have it, their texts come back.
      if (channel.startsWith("plain ")) local.publish(channel, text);
      await relay.publish(channel, text);
    },
    isAlone: () => relay.others === 0,
    close: () => relay[Symbol.asyncDispose](),
  });
}
