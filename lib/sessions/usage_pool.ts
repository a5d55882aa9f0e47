import { type Clock, systemClock } from "../common/clock.ts";
import { errorText } from "../common/errors.ts";
import type { Logger } from "../common/logger.ts";
import { settledWithin } from "../common/deadline.ts";
import { pause } from "../common/pause.ts";
import type { SweepContext, SweepJob } from "../common/sweep_job.ts";
import { keys } from "../state/key_space.ts";
import type { ModelUsage } from "../state/records.ts";
import type { Dictionary, StateStore } from "../state/state_store.ts";

/** How long a ping counts, in seconds. */
const USAGE_SECONDS = 3;
/** How many updates are under way at once. */
const PARALLEL_UPDATES = 32;
/** Distinct models that this instance's sessions use at once. */
const MAX_MODELS = 1_000;
const MAX_MODEL_ID_LENGTH = 256;

export interface UsagePoolOptions {
  store: StateStore;
  logger: Logger;
  /** The user ids behind the sessions, each once. */
  userIds(sids: Iterable<string>): Promise<string[]>;
  clock?: Clock;
  /** Pings of this time are written together. Default: 250. */
  tickMs?: number;
  /** Default: 16. */
  maxModelsPerSession?: number;
}

/** Whether a ping was taken, and why not. */
export type UsageAnswer = { accepted: true } | { accepted: false; reason: "rate_limited" };

const REFUSED: UsageAnswer = { accepted: false, reason: "rate_limited" };

/**
 * Which models are answering for whom (docs/protocol.md, section 4: `usage`). A model's pings are one entry,
 * changed atomically: two at once lose none (section 10.1). Pings of a tick cost one update a model.
 */
export class UsagePool implements AsyncDisposable {
  readonly #options: Required<UsagePoolOptions>;
  readonly #models: Dictionary<ModelUsage>;
  /** sid → model → when it was last used here, in unix seconds. */
  readonly #local = new Map<string, Map<string, number>>();
  /** How many local sessions use the model. */
  readonly #users = new Map<string, number>();
  /** model → sid → the time to write, or `undefined` to take the session out. */
  #waiting = new Map<string, Map<string, number | undefined>>();
  readonly #stop = new AbortController();
  #isStarted = false;
  #running: Promise<void> | undefined;

  constructor(options: UsagePoolOptions) {
    this.#options = {
      clock: systemClock,
      tickMs: 250,
      maxModelsPerSession: 16,
      ...options,
    };
    this.#models = options.store.dictionary(keys.usagePool);
  }

  /** From here on, what is used is written; before, it waits. */
  start(): void {
    this.#isStarted = true;
    this.#runWhileUsed();
  }

  /** The session uses the model for the next three seconds. */
  use(sid: string, model: string): UsageAnswer {
    const { maxModelsPerSession } = this.#options;
    const models = this.#local.get(sid);
    if (!models?.has(model)) {
      if (model.length > MAX_MODEL_ID_LENGTH) return REFUSED;
      if ((models?.size ?? 0) >= maxModelsPerSession) return REFUSED;
      if (!this.#users.has(model) && this.#users.size >= MAX_MODELS) return REFUSED;
      this.#users.set(model, (this.#users.get(model) ?? 0) + 1);
    }
    const now = this.#now();
    if (models) models.set(model, now);
    else this.#local.set(sid, new Map([[model, now]]));
    this.#await(model, sid, now);
    return { accepted: true };
  }

  /** The session is gone, and with it what it used. */
  remove(sid: string): void {
    for (const model of this.#local.get(sid)?.keys() ?? []) {
      this.#forget(model);
      this.#await(model, sid, undefined);
    }
    this.#local.delete(sid);
  }

  /** What is in use right now, on all instances. */
  async inUse(): Promise<{ model_ids: string[]; user_ids: string[] }> {
    const oldest = this.#now() - USAGE_SECONDS;
    const modelIds: string[] = [];
    const sids = new Set<string>();
    for await (const page of this.#models.scan({ pageSize: 100 })) {
      for (const [model, usage] of page) {
        const live = Object.keys(usage).filter((sid) => isLive(usage[sid], oldest));
        if (live.length > 0) modelIds.push(model);
        for (const sid of live) sids.add(sid);
      }
    }
    return { model_ids: modelIds, user_ids: await this.#options.userIds(sids) };
  }

  /** Takes away what nobody pings any more. */
  sweepJob(everyMs = 10_000): SweepJob {
    return {
      name: "usage",
      lock: keys.usageCleanupLock,
      everyMs,
      sweep: (context) => this.#sweep(context),
    };
  }

  async #sweep({ signal }: SweepContext): Promise<void> {
    for await (const page of this.#models.scan({ pageSize: 100 })) {
      const oldest = this.#now() - USAGE_SECONDS;
      for (const [model, usage] of page) {
        if (signal.aborted) return;
        if (Object.values(usage).every((ping) => isLive(ping, oldest))) continue;
        await this.#models.update(model, (current) => merged(current, new Map(), oldest));
      }
    }
  }

  #now(): number {
    return this.#options.clock.nowMs() / 1000;
  }

  #await(model: string, sid: string, time: number | undefined): void {
    const sids = this.#waiting.get(model);
    if (sids) sids.set(sid, time);
    else this.#waiting.set(model, new Map([[sid, time]]));
    this.#runWhileUsed();
  }

  #forget(model: string): void {
    const left = (this.#users.get(model) ?? 0) - 1;
    if (left > 0) this.#users.set(model, left);
    else this.#users.delete(model);
  }

  /** Whoever uses nothing needs no ticks. */
  #runWhileUsed(): void {
    if (!this.#isStarted || this.#local.size + this.#waiting.size === 0) return;
    this.#running ??= this.#run();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (this.#local.size + this.#waiting.size > 0) {
      await pause(this.#options.tickMs, signal);
      if (signal.aborted) return;
      this.#expire();
      await this.#flush();
    }
    this.#running = undefined;
  }

  #expire(): void {
    const oldest = this.#now() - USAGE_SECONDS;
    for (const [sid, models] of this.#local) {
      for (const [model, time] of models) {
        if (time >= oldest) continue;
        models.delete(model);
        this.#forget(model);
      }
      if (models.size === 0) this.#local.delete(sid);
    }
  }

  /** Writes what waits. What fails is dropped: it would be worth nothing in three seconds. */
  async #flush(): Promise<void> {
    const waiting = [...this.#waiting];
    this.#waiting = new Map();
    while (waiting.length > 0) {
      const oldest = this.#now() - USAGE_SECONDS;
      const written = waiting.splice(0, PARALLEL_UPDATES).map(([model, pings]) =>
        this.#models.update(model, (current) => merged(current, pings, oldest))
      );
      for (const result of await Promise.allSettled(written)) {
        if (result.status === "fulfilled") continue;
        this.#options.logger.warn("usage was dropped", { error: errorText(result.reason) });
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    for (const sid of [...this.#local.keys()]) this.remove(sid);
    const leave = async () => {
      await this.#running;
      await this.#flush();
    };
    await settledWithin(leave(), 2_000);
  }
}

function isLive(ping: { updated_at: number } | undefined, oldest: number): boolean {
  return ping !== undefined && ping.updated_at >= oldest;
}

/** The model's usage with the pings taken in and what is too old left out. */
function merged(
  current: ModelUsage | undefined,
  pings: ReadonlyMap<string, number | undefined>,
  oldest: number,
): ModelUsage | undefined {
  const usage = new Map(Object.entries(current ?? {}).filter(([, ping]) => isLive(ping, oldest)));
  for (const [sid, time] of pings) {
    if (time === undefined) usage.delete(sid);
    else usage.set(sid, { updated_at: time });
  }
  return usage.size > 0 ? Object.fromEntries(usage) : undefined;
}
