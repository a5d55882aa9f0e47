import { errorText } from "../common/errors.ts";
import type { Logger } from "../common/logger.ts";
import type { ChannelHandlers, Listening } from "./bus.ts";

/** Channels within the process: delivered behind the publisher's back, in the order of publishing. */
export class LocalChannels {
  readonly #channels = new Map<string, Set<ChannelHandlers>>();
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  publish(channel: string, text: string): void {
    for (const handlers of this.#channels.get(channel) ?? []) {
      queueMicrotask(() => {
        if (!this.#channels.get(channel)?.has(handlers)) return;
        this.#guarded(channel, () => handlers.onMessage(text));
      });
    }
  }

  listen(channel: string, handlers: ChannelHandlers): Listening {
    const all = this.#channels.get(channel) ?? new Set();
    this.#channels.set(channel, all.add(handlers));
    const stop = () => {
      all.delete(handlers);
      if (all.size === 0 && this.#channels.get(channel) === all) this.#channels.delete(channel);
    };
    return { live: Promise.resolve(), stop };
  }

  /** Tells all who listen that messages of other processes may have been missed. */
  gap(): void {
    for (const [channel, all] of this.#channels) {
      for (const handlers of [...all]) this.#guarded(channel, () => handlers.onGap?.());
    }
  }

  #guarded(channel: string, call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#logger.error("bus: a listener failed", { channel, error: errorText(error) });
    }
  }
}
