import { type Clock, systemClock } from "../common/clock.ts";
import { errorText } from "../common/errors.ts";
import type { Logger } from "../common/logger.ts";
import { settledWithin } from "../common/deadline.ts";
import { backOff, pause } from "../common/pause.ts";
import { keys } from "../state/key_space.ts";
import type { InstanceHeartbeat } from "../state/records.ts";
import type { Dictionary, StateStore } from "../state/state_store.ts";

export interface InstanceRegistryOptions {
  store: StateStore;
  logger: Logger;
  /** Default: a new UUID. */
  instanceId?: string;
  host?: string;
  /** How long an instance counts as alive after its last sign of life. Default: 30,000. */
  leaseMs?: number;
  clock?: Clock;
}

interface SeenInstance {
  heartbeatAt: number;
  changedAtMs: number;
  /** As it said itself; `undefined`: it did not. */
  sockets: number | undefined;
}

/**
 * Which instances live. Each renews its lease at a third of its time, for as long as it runs and
 * through any outage.
 *
 * Whether another's lease is over is judged by our own clock alone: by how long its heartbeat has not
 * changed while we could look. Clocks that differ kill nobody, nor does an outage that all share.
 */
export class InstanceRegistry implements AsyncDisposable {
  readonly id: string;
  readonly #options: Required<Pick<InstanceRegistryOptions, "leaseMs" | "clock">> & {
    logger: Logger;
    host: string | undefined;
  };
  readonly #leases: Dictionary<InstanceHeartbeat>;
  readonly #seen = new Map<string, SeenInstance>();
  readonly #stop = new AbortController();
  readonly #startedAtMs: number;
  #running: Promise<void> | undefined;
  #renewedAtMs = -Infinity;
  #lookedAtMs = -Infinity;
  #stableSinceMs = Infinity;
  #countSockets: (() => number) | undefined;

  constructor(options: InstanceRegistryOptions) {
    this.id = options.instanceId ?? crypto.randomUUID();
    this.#options = {
      leaseMs: options.leaseMs ?? 30_000,
      clock: options.clock ?? systemClock,
      logger: options.logger,
      host: options.host,
    };
    this.#leases = options.store.dictionary(keys.instances);
    this.#startedAtMs = this.#options.clock.nowMs();
  }

  /** From here on each sign of life says how many sockets there are. */
  tellSockets(count: () => number): void {
    this.#countSockets = count;
  }

  /**
   * The sockets of all others that live, by their ids, as of our last look; `undefined` for one that
   * does not tell.
   */
  socketsElsewhere(): Map<string, number | undefined> {
    const others = [...this.#seen].filter(([id]) => id !== this.id && this.#livesIn(id));
    return new Map(others.map(([id, { sockets }]) => [id, sockets]));
  }

  /** Registers and keeps renewing. A store that is away delays the registration, it does not throw. */
  async start(): Promise<void> {
    const registered = await this.#tryRenew();
    this.#running ??= this.#keepRenewing(registered ? this.#options.leaseMs / 3 : backOff(0));
  }

  /** Whether our own lease is valid. */
  alive(): boolean {
    return performance.now() - this.#renewedAtMs < this.#options.leaseMs;
  }

  async isAlive(instanceId: string): Promise<boolean> {
    return (await this.deadAmong([instanceId])).size === 0;
  }

  /** For how long the store has answered without a gap, in milliseconds. */
  stableForMs(): number {
    return Math.max(0, performance.now() - this.#stableSinceMs);
  }

  /** Those of the instances that are dead; at most one read, for instances not met before. */
  async deadAmong(instanceIds: Iterable<string>): Promise<Set<string>> {
    const ids = [...new Set(instanceIds)].filter((id) => id !== this.id);
    const unknown = ids.filter((id) => !this.#seen.has(id));
    if (unknown.length > 0) {
      const leases = await this.#leases.getMany(unknown);
      unknown.forEach((id, i) => this.#note(id, leases[i]));
    }
    return new Set(ids.filter((id) => !this.#livesIn(id)));
  }

  /** As of our last look: while we can't look, nobody dies. */
  #livesIn(id: string): boolean {
    const seen = this.#seen.get(id);
    return seen !== undefined && this.#lookedAtMs - seen.changedAtMs < this.#options.leaseMs;
  }

  #note(id: string, lease: InstanceHeartbeat | undefined): void {
    if (!lease || this.#seen.get(id)?.heartbeatAt === lease.heartbeat_at) return;
    this.#seen.set(id, {
      heartbeatAt: lease.heartbeat_at,
      changedAtMs: performance.now(),
      sockets: lease.sockets,
    });
  }

  async #keepRenewing(firstWaitMs: number): Promise<void> {
    const { signal } = this.#stop;
    const { leaseMs } = this.#options;
    let waitMs = firstWaitMs;
    while (true) {
      await pause(waitMs, signal);
      if (signal.aborted) return;
      if (await this.#tryRenew()) waitMs = leaseMs / 3;
      else waitMs = backOff(waitMs === leaseMs / 3 ? 0 : waitMs, { maxMs: leaseMs / 3 });
    }
  }

  async #tryRenew(): Promise<boolean> {
    const { clock, host, logger } = this.#options;
    try {
      await this.#leases.set(this.id, {
        heartbeat_at: clock.nowMs(),
        started_at: this.#startedAtMs,
        ...(host === undefined ? {} : { host }),
        ...(this.#countSockets && { sockets: this.#countSockets() }),
      });
      this.#renewedAtMs = performance.now();
      await this.#look();
      if (this.#stableSinceMs === Infinity) this.#stableSinceMs = performance.now();
      return true;
    } catch (thrown) {
      this.#stableSinceMs = Infinity;
      logger.warn("instance lease could not be renewed", { error: errorText(thrown) });
      return false;
    }
  }

  /** Reads everybody's sign of life and takes away what has been dead for long. */
  async #look(): Promise<void> {
    const present = new Set<string>();
    const { leaseMs } = this.#options;
    for await (const page of this.#leases.scan({ pageSize: 100 })) {
      for (const [id, lease] of page) {
        present.add(id);
        this.#note(id, lease);
      }
    }
    const now = performance.now();
    // A store that hangs fails no renewal for a while: what counts is how long ago the last look was.
    if (now - this.#lookedAtMs > 2 / 3 * leaseMs) this.#stableSinceMs = Infinity;
    this.#lookedAtMs = now;
    for (const [id, seen] of this.#seen) {
      if (!present.has(id)) this.#seen.delete(id);
      // While we could not look, others may have been unable to write: their time starts anew.
      else if (this.#stableSinceMs === Infinity) seen.changedAtMs = now;
      else if (id !== this.id && now - seen.changedAtMs > 2 * leaseMs) {
        const { heartbeatAt } = seen;
        await this.#leases.update(
          id,
          (lease) => lease?.heartbeat_at === heartbeatAt ? undefined : lease,
        );
      }
    }
  }

  /** Ends the renewal and takes the lease back, within two seconds. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    const leave = async () => {
      await this.#running;
      await this.#leases.delete(this.id);
    };
    await settledWithin(leave(), 2_000);
    this.#renewedAtMs = -Infinity;
  }
}
