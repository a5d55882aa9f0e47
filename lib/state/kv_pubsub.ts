import { AppError, errorText } from "../common/errors.ts";
import type { Logger } from "../common/logger.ts";
import type { SubscribeHandlers, Subscription } from "./state_store.ts";

const MAX_MESSAGE_BYTES = 1024 * 1024;

/** @throws {AppError} `too_large` over 1 MiB. */
export function checkMessage(message: string): void {
  // A character takes three bytes at the most.
  if (message.length * 3 <= MAX_MESSAGE_BYTES) return;
  if (new TextEncoder().encode(message).length > MAX_MESSAGE_BYTES) {
    throw new AppError("too_large", `A message takes at most ${MAX_MESSAGE_BYTES} bytes.`);
  }
}

/** Messages within the process: delivered behind the publisher's back, in the order of publishing. */
export class ProcessPubSub {
  readonly #channels = new Map<string, Set<SubscribeHandlers>>();
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  publish(channel: string, message: string): void {
    for (const handlers of this.#channels.get(channel) ?? []) {
      queueMicrotask(() => this.#deliver(channel, handlers, message));
    }
  }

  subscribe(channel: string, given: SubscribeHandlers): Subscription {
    // A copy of its own: the same handlers may subscribe twice.
    const handlers: SubscribeHandlers = {
      onMessage: (message) => given.onMessage(message),
      onGap: () => given.onGap?.(),
    };
    const all = this.#channels.get(channel) ?? new Set();
    this.#channels.set(channel, all.add(handlers));
    const unsubscribe = () => {
      all.delete(handlers);
      if (all.size === 0 && this.#channels.get(channel) === all) this.#channels.delete(channel);
      return Promise.resolve();
    };
    return { unsubscribe, [Symbol.asyncDispose]: unsubscribe };
  }

  listeners(channel: string): number {
    return this.#channels.get(channel)?.size ?? 0;
  }

  /** Tells all who listen that messages of other processes may have been missed. */
  gap(): void {
    for (const [channel, all] of this.#channels) {
      for (const { onGap } of [...all]) this.#guarded(channel, () => onGap?.());
    }
  }

  clear(): void {
    for (const all of this.#channels.values()) all.clear();
    this.#channels.clear();
  }

  #deliver(channel: string, handlers: SubscribeHandlers, message: string): void {
    if (!this.#channels.get(channel)?.has(handlers)) return;
    this.#guarded(channel, () => handlers.onMessage(message));
  }

  #guarded(channel: string, call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#logger.error("a subscriber failed", { channel, error: errorText(error) });
    }
  }
}
