import { type Clock, systemClock } from "../common/clock.ts";
import { errorText } from "../common/errors.ts";
import type { Logger } from "../common/logger.ts";
import { yieldToEvents } from "../common/pause.ts";
import { SteadyClock } from "../common/steady_clock.ts";
import type { SweepContext, SweepJob } from "../common/sweep_job.ts";
import { keys } from "../state/key_space.ts";
import type { SessionRecord } from "../state/records.ts";
import type { StateStore } from "../state/state_store.ts";

/** Told of a session that ended without its socket saying so. Called again after a failure: idempotent. */
export type SessionReaped = (sid: string, session: SessionRecord) => void | Promise<void>;

export interface SessionSweepOptions {
  store: StateStore;
  logger: Logger;
  /** A session that was not seen for this long is over. Default: 120,000. */
  timeoutMs?: number;
  /** Default: a quarter of the time-out. */
  everyMs?: number;
  /** For how long the store has answered without a gap. */
  stableForMs(): number;
  /** After an outage, how long instances get to write what they have seen. Default: 30,000. */
  settleMs?: number;
  onSessionReaped?: readonly SessionReaped[];
  /**
   * Whose sessions are reaped: all that are in the pool, under the lock that Open WebUI's processes know;
   * or those of this project's instances alone, beside a reaper of Python's, which holds that lock for
   * life and looks only every other minute. Default: `all`.
   */
  whose?: "all" | "ours";
  clock?: Clock;
}

const PAGE = 200;

/** Reaps the sessions of dead instances, and those not seen for too long (docs/protocol.md, section 10.6). */
export function sessionSweepJob(options: SessionSweepOptions): SweepJob {
  const { store, logger, timeoutMs = 120_000, settleMs = 30_000, clock = systemClock } = options;
  const isOursAlone = options.whose === "ours";
  const pool = store.dictionary(keys.sessionPool);

  const steady = new SteadyClock(clock);
  // After a jump of the clock, every instance writes the new time within a time-out.
  const isStale = (session: SessionRecord) =>
    steady.steadyForMs() >= timeoutMs && options.stableForMs() >= settleMs &&
    clock.nowMs() - session.last_seen_at * 1000 > timeoutMs;

  /** Says whether all were told. */
  async function tell(sid: string, session: SessionRecord): Promise<boolean> {
    let told = true;
    for (const hook of options.onSessionReaped ?? []) {
      try {
        await hook(sid, session);
      } catch (thrown) {
        told = false;
        logger.warn("clean-up of a session failed", { sid, error: errorText(thrown) });
      }
    }
    return told;
  }

  async function reapPage(
    page: (readonly [string, SessionRecord])[],
    context: SweepContext,
  ): Promise<number> {
    const instances = page.map(([, { instance_id }]) => instance_id).filter((id) =>
      id !== undefined
    );
    const dead = await context.deadAmong(instances);
    const ended: string[] = [];
    let reaped = 0;
    for (const [sid, session] of page) {
      if (context.signal.aborted) break;
      if (isOursAlone && session.instance_id === undefined) continue;
      if (session.instance_id !== undefined && dead.has(session.instance_id)) {
        // Nobody writes it any more: the hooks come first, so that what fails is tried again.
        if (await tell(sid, session)) ended.push(sid);
      } else if (isStale(session)) {
        // Its instance may touch it at this moment: only what is still stale goes.
        const left = await pool.update(sid, (now) => now && !isStale(now) ? now : undefined);
        if (left !== undefined) continue;
        reaped++;
        await tell(sid, session);
      }
    }
    if (ended.length > 0) await pool.delete(...ended);
    return reaped + ended.length;
  }

  return {
    name: "sessions",
    lock: isOursAlone ? keys.ownSessionCleanupLock : keys.sessionCleanupLock,
    everyMs: options.everyMs ?? timeoutMs / 4,
    async sweep(context) {
      let reaped = 0;
      for await (const page of pool.scan({ pageSize: PAGE })) {
        if (context.signal.aborted) return;
        reaped += await reapPage(page, context);
        await yieldToEvents();
      }
      if (reaped > 0) logger.info("sessions reaped", { reaped });
    },
  };
}
