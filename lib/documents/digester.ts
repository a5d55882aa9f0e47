import { Worker } from "node:worker_threads";
import { AppError } from "../common/errors.ts";
import type { Logger } from "../common/logger.ts";
import { ComputingLimit } from "./computing_limit.ts";
import { packInTurns, sealed, type Sending, unpackInTurns } from "./digest_packing.ts";
import type { DigestReport, DigestRequest } from "./digest_worker.ts";
import { digests, type Input, type Kind, type LogDigest, type Output } from "./digests.ts";

export interface DigesterOptions {
  logger: Logger;
  /** Work on no more than this is done at once. Default: 16 KiB, some ten milliseconds' worth. */
  maxBytesAtOnce?: number;
  /**
   * How long work may compute, as {@linkcode ComputingLimit} tells. Default: 20,000; a quarter of it for a
   * trial, or for one update of a log.
   */
  limitMs?: number;
  /** What the thread may hold. Default: 512 MiB. */
  memoryMb?: number;
}

interface Request {
  kind: Kind;
  input: Sending;
}

/**
 * A thread that held this much is ended once it has rested, so that what it held is given back. To make
 * another one holds everybody up, for as long as the machine takes to: one for each burst of work.
 */
const HEAVY_BYTES = 2 * 1024 * 1024;
const REST_MS = 5_000;
const MAX_WAITING = 500;
/** Work on one update, or on a log update by update. */
const STEPWISE: ReadonlySet<Kind> = new Set(["trial", "missing", "log"]);
/** Updates of one log that may each cost a thread. */
const MAX_DEATHS = 5;

/**
 * Digests what others wrote. What is large, and every trial, is done by a thread with limits of
 * memory and time: started once and kept warm, replaced when it has died. Its death is one refusal.
 */
export class Digester implements Disposable {
  readonly #options: Required<DigesterOptions>;
  #worker: Promise<Worker> | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #deaths = 0;
  /** What the thread held is to be given back, when it has rested. */
  #isHeavy = false;
  #rest: ReturnType<typeof setTimeout> | undefined;
  #isDisposed = false;

  constructor(options: DigesterOptions) {
    this.#options = { maxBytesAtOnce: 16 * 1024, limitMs: 20_000, memoryMb: 512, ...options };
  }

  /** For metrics: threads that died of their work, and work that waits. */
  stats(): { deaths: number; waiting: number } {
    return { deaths: this.#deaths, waiting: this.#waiting };
  }

  /**
   * Whether work on this and so many bytes more is done at once: then it may as well be done on what
   * is open already.
   */
  isQuick(input: unknown, bytes: number): boolean {
    const most = this.#options.maxBytesAtOnce - bytes;
    return most >= 0 && sizeUpTo(input, most + 1) <= most;
  }

  /** About how much there is to work on, counted no further than matters. */
  sizeOf(input: unknown): number {
    return sizeUpTo(input, HEAVY_BYTES);
  }

  /** @throws {AppError} what the work throws; `too_large` when it takes more than the limits */
  async run<K extends Kind>(kind: K, input: Input<K>): Promise<Output<K>> {
    const bytes = sizeUpTo(input, HEAVY_BYTES);
    if (kind !== "trial" && bytes <= this.#options.maxBytesAtOnce) {
      // A union of functions can't be called with its own input as a type parameter.
      return (digests[kind] as (input: Input<K>) => Output<K>)(input);
    }
    const request = { kind, input: await packInTurns(input) };
    return await this.#inThread(request, bytes) as Output<K>;
  }

  /** As `run("log", …)`: what kills the thread is left out, and the rest is tried again. */
  async log(updates: Uint8Array[]): Promise<LogDigest> {
    const without: number[] = [];
    for (;;) {
      let last: number | undefined;
      try {
        const request = { kind: "log" as const, input: await packInTurns({ updates, without }) };
        const heavy = sizeUpTo(updates, HEAVY_BYTES);
        return await this.#inThread(request, heavy, (at) => last = at) as LogDigest;
      } catch (thrown) {
        const isDeadly = thrown instanceof AppError && thrown.code === "too_large";
        if (!isDeadly || last === undefined || without.length >= MAX_DEATHS) throw thrown;
        without.push(last);
      }
    }
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    clearTimeout(this.#rest);
    void this.#end();
  }

  /** One piece after another, so that it is known who killed the thread. */
  async #inThread(request: Request, bytes: number, onProgress?: (at: number) => void) {
    if (this.#isDisposed || this.#waiting >= MAX_WAITING) {
      throw behind();
    }
    clearTimeout(this.#rest);
    this.#isHeavy ||= bytes >= HEAVY_BYTES;
    this.#waiting++;
    const mine = this.#turn.then(() => this.#ask(request, onProgress));
    this.#turn = mine.catch(() => {});
    try {
      return await mine;
    } finally {
      this.#waiting--;
      if (this.#waiting === 0 && this.#isHeavy && !this.#isDisposed) {
        this.#rest = setTimeout(() => void this.#end(), REST_MS);
        Deno.unrefTimer(this.#rest);
      }
    }
  }

  async #ask(request: Request, onProgress?: (at: number) => void): Promise<unknown> {
    // Disposed while this waited: another thread would never be ended.
    if (this.#isDisposed) throw behind();
    // Under way before its time begins to run: a busy machine takes a while.
    const worker = await (this.#worker ??= this.#start());
    const { promise, resolve, reject } = Promise.withResolvers<
      Parameters<typeof unpackInTurns>[0]
    >();
    const isStepwise = STEPWISE.has(request.kind);
    const limitMs = this.#options.limitMs / (isStepwise ? 4 : 1);
    using limit = new ComputingLimit(limitMs, () => reject(tooMuch("time")));
    const onMessage = (report: DigestReport) => {
      if (report === "ready") return;
      if ("at" in report) {
        onProgress?.(report.at);
        limit.step();
      } else if ("output" in report) resolve(report.output);
      else reject(new AppError(report.error.code, report.error.message));
    };
    const onDeath = (thrown: unknown) =>
      reject(this.#isDisposed ? behind() : tooMuch("memory", thrown));
    worker.on("message", onMessage).on("error", onDeath).on("exit", onDeath);
    worker.ref();
    try {
      const input = sealed(request.input);
      worker.postMessage({ kind: request.kind, input } satisfies DigestRequest, [input.bytes]);
      return await unpackInTurns(await promise);
    } catch (thrown) {
      if (isDeath(thrown)) {
        this.#deaths++;
        const { kind } = request;
        this.#options.logger.warn("work on a document given up", { kind, why: thrown.message });
        await this.#end();
      }
      throw thrown;
    } finally {
      worker.unref();
      worker.off("message", onMessage).off("error", onDeath).off("exit", onDeath);
    }
  }

  async #start(): Promise<Worker> {
    const worker = new Worker(new URL("./digest_worker.ts", import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: this.#options.memoryMb },
    });
    // Nobody waits: the next piece of work finds a new thread.
    worker.on("error", () => this.#worker = undefined);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    worker.once("message", () => resolve()).once("exit", reject);
    await promise;
    worker.unref();
    return worker;
  }

  async #end(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    this.#isHeavy = false;
    await (await worker?.catch(() => undefined))?.terminate();
  }
}

const behind = () =>
  new AppError("unavailable", "The server is behind: try again.", { retryAfterMs: 1_000 });

class TooMuch extends AppError {}

const isDeath = (thrown: unknown): thrown is TooMuch => thrown instanceof TooMuch;

const tooMuch = (of: "time" | "memory", cause?: unknown) =>
  new TooMuch("too_large", `It takes too much ${of} to read.`, { cause });

/** About how much there is to work on, counted no further than the limit. */
function sizeUpTo(value: unknown, limit: number): number {
  let size = 0;
  const open = [value];
  while (open.length > 0 && size < limit) {
    const one = open.pop();
    if (typeof one === "string") size += one.length;
    else if (one instanceof Uint8Array) size += one.length;
    else if (typeof one === "object" && one !== null) {
      for (const inner of Object.values(one)) open.push(inner);
    }
    size += 8;
  }
  return size;
}
