import { settledWithin } from "../common/deadline.ts";
import { AppError } from "../common/errors.ts";
import type { Logger } from "../common/logger.ts";
import type { ChannelHandlers, Listening } from "./bus.ts";
import { Resync } from "./resync.ts";
import type { MessageHandlers, Subscription } from "./topics.ts";

const LIVE_TIMEOUT_MS = 9_000;

/** Ties a listening to what is owed after a gap. */
export function subscription(
  name: string,
  listen: (onGap: NonNullable<ChannelHandlers["onGap"]>) => Listening,
  onGap: MessageHandlers<unknown>["onGap"],
  logger: Logger,
): Subscription {
  const resync = new Resync(name, onGap, logger);
  const listening = listen(() => resync.request());
  const unsubscribe = () => {
    listening.stop();
    return resync[Symbol.asyncDispose]();
  };
  return {
    async whenLive(timeoutMs = LIVE_TIMEOUT_MS) {
      if (await settledWithin(listening.live, timeoutMs)) return;
      throw new AppError("unavailable", "Other instances can't be heard.");
    },
    resync: () => resync.request(),
    unsubscribe,
    [Symbol.asyncDispose]: unsubscribe,
  };
}
