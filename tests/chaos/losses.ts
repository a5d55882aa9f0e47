/** When servers heard nothing of Redis, by their own logs, and what they said of themselves then. */
import type { LogLine, ServerProcess } from "../support/server_process.ts";
import type { ReadySample } from "./judge.ts";

/** A time in which an instance was not subscribed, by the wall clock. */
export interface Loss {
  place: number;
  from: number;
  /** `undefined`: it is not over. */
  to: number | undefined;
}

/** The link on which an instance hears the others, and Python. */
const LISTENING = "bus, listening";
const LOST = "redis: connection lost";
const BACK = /^redis: (connection is )?back/;

/** The losses that servers tell of in the lines of their logs, from `since[place]` on. */
export function lossesOf(servers: readonly ServerProcess[], since: readonly number[]): Loss[] {
  return servers.flatMap((server, place) => {
    const losses: Loss[] = [];
    const lines = server.lines().slice(since[place]) as (LogLine & { link?: string })[];
    for (const { link, message, time } of lines) {
      if (link !== LISTENING) continue;
      const last = losses.at(-1);
      if (message === LOST) losses.push({ place, from: Date.parse(time), to: undefined });
      else if (BACK.test(message) && last) last.to ??= Date.parse(time);
    }
    return losses;
  });
}

/** Looks that fell into a loss from the question to the answer. */
export function looksInto(losses: readonly Loss[], looks: readonly ReadySample[]): ReadySample[] {
  return looks.filter((look) =>
    losses.some(({ place, from, to }) =>
      place === look.place && look.askedAt >= from && look.answeredAt <= (to ?? Infinity)
    )
  );
}
