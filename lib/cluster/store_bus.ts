import { errorText } from "../common/errors.ts";
import type { Logger } from "../common/logger.ts";
import { backOff, pause } from "../common/pause.ts";
import { keys } from "../state/key_space.ts";
import type { StateStore, Subscription } from "../state/state_store.ts";
import type { Bus, BusHandlers, Listening } from "./bus.ts";

/**
 * The bus over the publish/subscribe of any state store: for Deno KV, and wherever a store is all
 * there is. It reaches as far, and as fast, as the store's `capabilities.publishes` says.
 */
export function storeBus(store: StateStore, logger: Logger, isAlone?: () => boolean): Bus {
  const running = new Map<AbortController, Promise<void>>();

  /** Subscribes, however long that takes, and ends the subscription with the signal. */
  async function keep(
    channel: string,
    handlers: BusHandlers,
    signal: AbortSignal,
    onLive: () => void,
  ): Promise<void> {
    for (let pauseMs = 0; !signal.aborted;) {
      let subscription: Subscription;
      try {
        subscription = await store.subscribe(keys.bus(channel), handlers);
      } catch (error) {
        logger.warn("cluster: can't listen yet", { channel, error: errorText(error) });
        pauseMs = backOff(pauseMs);
        await pause(pauseMs, signal);
        continue;
      }
      onLive();
      await aborted(signal);
      await subscription.unsubscribe().catch((error) =>
        logger.warn("cluster: a subscription could not be ended", { error: errorText(error) })
      );
    }
  }

  return {
    name: store.capabilities.name,
    ...(isAlone && { isAlone }),
    publish: (channel, text) => store.publish(keys.bus(channel), text),
    listen(channel, handlers): Listening {
      const own = new AbortController();
      const { signal } = own;
      const live = Promise.withResolvers<void>();
      const guarded: BusHandlers = {
        onMessage: (text) => signal.aborted || handlers.onMessage(text),
        onGap: () => signal.aborted || handlers.onGap?.(),
      };
      const kept = keep(channel, guarded, signal, live.resolve).finally(() => {
        live.resolve();
        running.delete(own);
      });
      running.set(own, kept);
      return {
        live: live.promise,
        stop: () => {
          own.abort();
          live.resolve();
        },
      };
    },
    async [Symbol.asyncDispose]() {
      for (const own of running.keys()) own.abort();
      await Promise.all(running.values());
    },
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) =>
    signal.addEventListener("abort", () => resolve(), { once: true })
  );
}
