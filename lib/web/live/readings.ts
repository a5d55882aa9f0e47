import { useEffect, useRef, useState } from "preact/hooks";
import { messageOf } from "../../client/errors.ts";
import type { PassingEvent, SystemStatus } from "../../protocol/system_status.ts";
import type { AppSession } from "../app_session.ts";

const EVERY_MS = 2_000;
/** Five minutes. */
const MAX_READINGS = 150;
/** Events that are shown. */
const MAX_PASSING = 40;

export interface Reading {
  /** By the server's clock. */
  atMs: number;
  view: SystemStatus;
}

interface Readings {
  readings: readonly Reading[];
  /** What has passed while this was looked at, the newest first. */
  passing: readonly PassingEvent[];
  error: string | undefined;
  reload(): void;
}

/** Reads every two seconds, and only while somebody looks. */
export function useReadings(session: AppSession): Readings {
  const [readings, setReadings] = useState<readonly Reading[]>([]);
  const [passing, setPassing] = useState<readonly PassingEvent[]>([]);
  const [error, setError] = useState<string>();
  const load = useRef<() => void>(() => {});
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>;
    let isEnded = false;
    const read = async () => {
      clearTimeout(timer);
      try {
        if (document.visibilityState === "visible") {
          const view = await session.api("GET /api/v1/live");
          if (isEnded) return;
          const reading = { atMs: view.read_at, view };
          // Two that ask in one moment are answered with one reading.
          setReadings((before) =>
            before.at(-1)?.atMs === reading.atMs
              ? before
              : [...before, reading].slice(-MAX_READINGS)
          );
          setPassing((before) => merged(before, view.passing));
          setError(undefined);
        }
      } catch (thrown) {
        if (!isEnded) setError(messageOf(thrown));
      }
      if (!isEnded) timer = setTimeout(read, EVERY_MS);
    };
    load.current = () => void read();
    const look = () => document.visibilityState === "visible" && load.current();
    document.addEventListener("visibilitychange", look);
    void read();
    return () => {
      isEnded = true;
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", look);
    };
  }, [session]);
  return { readings, passing, error, reload: () => load.current() };
}

export const keyOf = ({ instance_id, seq }: PassingEvent): string => `${instance_id}/${seq}`;

function merged(before: readonly PassingEvent[], told: readonly PassingEvent[]) {
  const known = new Set(before.map(keyOf));
  const come = told.filter((event) => !known.has(keyOf(event)));
  return [...come.toReversed(), ...before].slice(0, MAX_PASSING);
}

/** How fast a counter rises, a second. An instance that has gone takes its part of it along. */
export function rates(readings: readonly Reading[], of: (view: SystemStatus) => number): number[] {
  return readings.slice(1).map(({ atMs, view }, at) => {
    const before = readings[at];
    return before ? perSecond(of(view) - of(before.view), atMs - before.atMs) : 0;
  });
}

/** How many pieces a second a task's answer has grown by since the reading before. */
export function speedOf(readings: readonly Reading[], taskId: string): number | undefined {
  const [before, now] = readings.slice(-2);
  if (!before || !now) return undefined;
  const piecesIn = ({ view }: Reading) => view.tasks.find(({ id }) => id === taskId)?.pieces;
  const [from, to] = [piecesIn(before), piecesIn(now)];
  if (typeof from !== "number" || typeof to !== "number") return undefined;
  return perSecond(to - from, now.atMs - before.atMs);
}

/** Instances' clocks differ, and two of them may have read one after the other. */
const perSecond = (more: number, ms: number) => ms > 0 ? Math.max(0, more) * 1000 / ms : 0;
