/** Several server processes on one port: started, kept up, and ended by one parent. */
import type { Logger } from "../common/logger.ts";
import { backOff, pause } from "../common/pause.ts";

/** Says to a process that it is one of several. */
export const ONE_OF_MANY = "--one-of-many";

/** One that has run for so long was well: the next start does not wait. */
const WELL_AFTER_MS = 60_000;
const PARENT_LOOK_MS = 1_000;
const RESTART_WAIT = { firstMs: 500, maxMs: 30_000 };

export interface InstanceProcess {
  readonly pid: number;
  readonly status: Promise<{ code: number }>;
  kill(signal: Deno.Signal): void;
}

export interface InstancesOptions {
  count: number;
  /** Starts one process. */
  spawn(): InstanceProcess;
  logger: Logger;
  /** Waits before an instance that died is started again. Default: 0.5 s, doubling to 30 s. */
  restartWait?: { firstMs: number; maxMs: number };
}

/**
 * Runs `count` processes. One that ends is started again, later and later while it ends at once. The
 * kernel spreads new connections over those that listen.
 */
export class Instances {
  readonly #options: InstancesOptions;
  readonly #running = new Set<InstanceProcess>();
  readonly #stopping = new AbortController();
  readonly #kept: Promise<void>[];

  constructor(options: InstancesOptions) {
    this.#options = options;
    this.#kept = Array.from({ length: options.count }, (_, index) => this.#keepUp(index + 1));
  }

  /** The processes that run now. */
  get pids(): number[] {
    return [...this.#running].map(({ pid }) => pid);
  }

  /** Passes the signal on, and resolves when all have ended; no one is started again. */
  async stop(signal: Deno.Signal): Promise<void> {
    this.#stopping.abort();
    for (const each of this.#running) this.#kill(each, signal);
    await Promise.all(this.#kept);
  }

  async #keepUp(number: number): Promise<void> {
    const { logger, spawn, restartWait = RESTART_WAIT } = this.#options;
    const { signal } = this.#stopping;
    for (let waitMs = 0; !signal.aborted;) {
      const startedAtMs = performance.now();
      const instance = spawn();
      this.#running.add(instance);
      const { code } = await instance.status;
      this.#running.delete(instance);
      if (signal.aborted) return;
      waitMs = performance.now() - startedAtMs > WELL_AFTER_MS ? 0 : waitMs;
      waitMs = backOff(waitMs, restartWait);
      logger.error("an instance has ended and is started again", {
        ...{ instance: number, pid: instance.pid, code, waitMs: Math.round(waitMs) },
      });
      await pause(waitMs, signal);
    }
  }

  #kill(instance: InstanceProcess, signal: Deno.Signal): void {
    try {
      instance.kill(signal);
    } catch (thrown) {
      // It has ended by itself.
      if (!(thrown instanceof TypeError)) throw thrown;
    }
  }
}

/**
 * Starts `count` processes of this program with the flags that this one was given as arguments, and
 * ends with them. Its standard error is theirs. Never returns.
 */
export async function runInstances(
  count: number,
  { program, logger }: { program: string; logger: Logger },
): Promise<never> {
  const instances = new Instances({
    count,
    logger,
    spawn: () =>
      new Deno.Command("deno", {
        args: ["run", "--quiet", "--no-prompt", "-P=start", ...Deno.args, program, ONE_OF_MANY],
        // A terminal's Ctrl+C reaches its whole group; these hear it from here alone, once.
        detached: true,
        stdin: "null",
        stdout: "inherit",
        stderr: "inherit",
      }).spawn(),
  });
  logger.info("instances are started", { count, pids: instances.pids });
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => void instances.stop(signal).then(() => Deno.exit(0)));
  }
  return await new Promise<never>(() => {});
}

/** Resolves when the parent has ended without a word: nobody would end this instance any more. */
export async function parentGone(): Promise<void> {
  const parent = Deno.ppid;
  while (Deno.ppid === parent) await pause(PARENT_LOOK_MS);
}
