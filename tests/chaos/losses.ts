/** When servers heard nothing of Redis, by their own logs, and what they said of themselves then. */
import type { LogLine, ServerProcess } from "../support/server_process.ts";
import type { ReadySample } from "./judge.ts";

/** A time in which an instance was not subscribed, by the wall clock. */
export interface Loss {
  place: number;
  from: number;
  to: number;
}

/** The link on which an instance hears the others, and Python. */
const LISTENING = "bus, listening";
const BACK = /^redis: (connection is )?back/;
/** Logs round times, up and down. */
const ROUNDING_MS = 1;

/** The losses that are over by the lines of the servers' logs, from `since[place]` on. */
export function lossesOf(servers: readonly ServerProcess[], since: readonly number[]): Loss[] {
  return servers.flatMap((server, place) => {
    const lines = server.lines().slice(since[place]) as BackLine[];
    return lines.filter(({ link, message }) => link === LISTENING && BACK.test(message))
      .map(({ time, downMs = 0 }) => ({
        ...{ place, from: Date.parse(time) - downMs, to: Date.parse(time) },
      }));
  });
}

type BackLine = LogLine & { link?: string; downMs?: number };

/** Looks that fell into a loss from the question to the answer. */
export function looksInto(losses: readonly Loss[], looks: readonly ReadySample[]): ReadySample[] {
  return looks.filter((look) =>
    losses.some(({ place, from, to }) =>
      place === look.place && look.askedAt > from + ROUNDING_MS &&
      look.answeredAt < to - ROUNDING_MS
    )
  );
}
