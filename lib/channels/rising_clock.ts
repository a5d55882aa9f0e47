import type { Clock } from "../common/clock.ts";

/** The smallest step that a double can take at today's milliseconds, with room to spare. */
const STEP_MS = 1 / 512;

/** Milliseconds that rise with every reading, so that what happens in one of them keeps its order. */
export function risingClock(clock: Clock): () => number {
  let last = 0;
  return () => last = Math.max(clock.nowMs(), last + STEP_MS);
}

/** The least position behind this one: the next double, at the milliseconds of this century. */
export const justAfter = (position: number): number => position + 1 / 4096;
