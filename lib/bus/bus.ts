/**
 * What carries texts between instances. Drivers: Redis (standalone, Sentinel, Cluster) and Deno KV
 * (memory, file, KV Connect). All of them pass `tests/bus/support/bus_contract.ts`.
 */
import { AppError } from "../common/errors.ts";

export interface ChannelHandlers {
  onMessage(text: string): void;
  /** The subscription was lost and is back: what was published meanwhile is not delivered. */
  onGap?(): void;
}

export interface Listening {
  /** Resolves when what is published from now on arrives, or when the listening ends. Never rejects. */
  readonly live: Promise<void>;
  stop(): void;
}

/**
 * Texts by channel: at least once while the bus stands, in the order of publishing for one
 * publisher (also from channel to channel), only to those who listen to the channel.
 */
export interface Channels {
  /**
   * @throws {AppError} `unavailable` when the bus does not take it in time; it may have arrived.
   * `too_large` over the bus' `maxChars`.
   */
  publish(channel: string, text: string): Promise<void>;
  /**
   * Listens until `stop`, through every outage.
   *
   * @throws {TypeError} when this instance listens to the channel already
   */
  listen(channel: string, handlers: ChannelHandlers): Listening;
}

/** One instance's place on the bus. Its own channels are seen by instances of this project only. */
export interface Bus extends Channels, AsyncDisposable {
  /** For logs. */
  readonly name: string;
  /** The longest text that its own channels take, in UTF-16 units; it takes less than 512 KiB. */
  readonly maxChars: number;
  /** Whether nobody else is on the bus right now, where that is known: then nothing needs to be sent. */
  isAlone?(): boolean;
  /** Whether what others say arrives at this moment, where that is known. */
  isUp?(): boolean;
  /**
   * Channels of others' protocols, by their exact name, published as others listen: on Redis by
   * ordinary `PUBLISH`. What this instance publishes comes back to it.
   */
  readonly plain: Channels;
}

export const tooLarge = (maxChars: number) =>
  new AppError("too_large", `A text on the bus takes at most ${maxChars} characters.`);
