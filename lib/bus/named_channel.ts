import { AppError } from "../common/errors.ts";
import type { Logger } from "../common/logger.ts";
import { backOff, pause } from "../common/pause.ts";
import type { Bus } from "./bus.ts";
import { subscription } from "./subscription.ts";
import type { NamedChannel } from "./topics.ts";

const MAX_TRIES = 3;

/** A channel of another protocol on the bus. */
export function namedChannel({ plain }: Bus, name: string, logger: Logger): NamedChannel {
  return {
    async publish(text) {
      for (let tries = 1, waitMs = 0;; tries++) {
        try {
          return await plain.publish(name, text);
        } catch (thrown) {
          const isPassing = thrown instanceof AppError && thrown.code === "unavailable";
          if (!isPassing || tries === MAX_TRIES) throw thrown;
          waitMs = backOff(waitMs);
          await pause(waitMs);
        }
      }
    },
    subscribe: ({ onMessage, onGap }) =>
      subscription(
        name,
        (onMissed) => plain.listen(name, { onMessage, onGap: onMissed }),
        onGap,
        logger,
      ),
  };
}
