import type { PythonResult } from "../protocol/chat_events.ts";
import { ClientError } from "./errors.ts";
import { answerStdin } from "./python_stdin.ts";

/** What a runner says to its worker, and hears from it. */
export interface PythonRequest {
  /** The Python that is run. */
  code: string;
}
/** What a worker says: a result, that Python is there, or that the code asks for a line. */
export type PythonAnswer =
  | PythonResult
  /** `stdin`: where it waits for what a person types, on pages that may share memory. */
  | { ready: true; stdin?: SharedArrayBuffer }
  /** The code waits for a line; what it printed since the last one. */
  | { asks: string };

/** A worker, as far as a runner needs one; `new Worker(…)` is one. */
export interface PythonWorker {
  /** Gives the worker a piece of code. */
  postMessage(request: PythonRequest): void;
  /** Set by the runner, to hear the worker. */
  onmessage: ((event: MessageEvent<PythonAnswer>) => void) | null;
  /** Set by the runner, to hear that the worker could not be loaded. */
  onerror: ((event: ErrorEvent) => void) | null;
  /** Ends the worker, whatever it does. */
  terminate(): void;
}

/** How a runner comes by its worker, and how long things may take. */
export interface PythonRunnerOptions {
  /** Starts a worker that says `{ready: true}` once Python is there. */
  start(): PythonWorker;
  /**
   * Asks the person for a line, for `input()`; `undefined`: there is none, and the code meets an
   * EOFError. `signal`: the code was ended meanwhile. The time it takes does not count.
   */
  input?(asked: { prompt: string; signal: AbortSignal }): Promise<string | undefined>;
  /** How long code may run. Default: 60,000. */
  limitMs?: number;
  /** How long Python may take to load. Default: 60,000. */
  loadLimitMs?: number;
}

/** Runs that may wait for their turn. */
const MAX_WAITING = 8;

/**
 * Runs Python in a worker, one piece after the other. The worker is kept for the next; one that runs
 * over the limit is ended, and the next gets a fresh one.
 *
 * @example
 * ```ts
 * import { PythonRunner } from "webui-realtime-client/python";
 *
 * // The server names its worker in its own page: <body data-python="…">.
 * const address = document.body.dataset.python ?? "";
 * using python = new PythonRunner({
 *   start: () => new Worker(address, { type: "module" }),
 *   limitMs: 10_000,
 * });
 * const { stdout, result, files } = await python.run("print('hello')\n6 * 7");
 * console.log(stdout, result, files.map(({ name }) => name));
 * ```
 */
export class PythonRunner implements Disposable {
  readonly #options: PythonRunnerOptions;
  #worker: PythonWorker | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #isEnded = false;
  #fail: ((error: ClientError) => void) | undefined;
  #stdin: SharedArrayBuffer | undefined;

  /** Starts nothing: the worker is started with the first code. */
  constructor(options: PythonRunnerOptions) {
    this.#options = options;
  }

  /**
   * Runs one piece of code, with names and a folder of its own. What it wrote into the folder comes
   * back as `files` (ten at most, of 2 MB each), pictures among them: data URLs that an `<img>` takes.
   *
   * Throws `rate_limited` when too many wait, `timeout` when the code ran over, `unavailable` when
   * `signal` has stopped it.
   */
  async run(code: string, { signal }: { signal?: AbortSignal } = {}): Promise<PythonResult> {
    if (this.#waiting >= MAX_WAITING) {
      throw new ClientError("rate_limited", "Too much code waits to be run.");
    }
    this.#waiting++;
    const turn = this.#turn.then(() => this.#run(code, signal));
    this.#turn = turn.catch(() => undefined);
    try {
      return await turn;
    } finally {
      this.#waiting--;
    }
  }

  /** Ends the worker with what it runs and keeps; the next run gets a fresh one. */
  stop(): void {
    this.#end(stopped());
  }

  /** Ends the worker, whatever it runs, and what waits. */
  [Symbol.dispose](): void {
    this.#isEnded = true;
    this.#end(ended());
  }

  /** The same as disposing of it. */
  close(): void {
    this[Symbol.dispose]();
  }

  async #run(code: string, signal: AbortSignal | undefined): Promise<PythonResult> {
    const { limitMs = 60_000, loadLimitMs = 60_000 } = this.#options;
    if (this.#isEnded) throw ended();
    if (signal?.aborted) throw stopped();
    const stop = () => this.stop();
    signal?.addEventListener("abort", stop);
    try {
      let worker = this.#worker;
      if (!worker) {
        worker = this.#worker = this.#options.start();
        const ready = await this.#hear(worker, loadLimitMs, "Python could not be loaded in time.");
        if (worker !== this.#worker) throw ended();
        this.#stdin = "ready" in ready ? ready.stdin : undefined;
      }
      const late = `The code ran over ${limitMs / 1000} s and was ended.`;
      const answer = this.#hear(worker, limitMs, late);
      worker.postMessage({ code });
      const heard = await answer;
      if ("ready" in heard) throw new ClientError("internal", "Python answered out of turn.");
      return heard;
    } finally {
      signal?.removeEventListener("abort", stop);
    }
  }

  #hear(
    worker: PythonWorker,
    limitMs: number,
    late: string,
  ): Promise<Exclude<PythonAnswer, { asks: string }>> {
    return new Promise((resolve, reject) => {
      const asking = new AbortController();
      let leftMs = limitMs;
      let startedAtMs = 0;
      let timer: ReturnType<typeof setTimeout> | undefined;
      const go = () => {
        startedAtMs = performance.now();
        timer = setTimeout(() => this.#end(new ClientError("timeout", late)), leftMs);
      };
      this.#fail = (error) => {
        clearTimeout(timer);
        asking.abort();
        reject(error);
      };
      worker.onmessage = async ({ data }) => {
        clearTimeout(timer);
        if (!("asks" in data)) {
          this.#fail = undefined;
          return resolve(data);
        }
        leftMs -= performance.now() - startedAtMs;
        const line = await this.#ask(data.asks, asking.signal);
        if (asking.signal.aborted) return;
        go();
        if (this.#stdin) answerStdin(this.#stdin, line);
      };
      worker.onerror = (event) => {
        event.preventDefault();
        this.#end(new ClientError("internal", event.message || "Python could not be loaded."));
      };
      go();
    });
  }

  async #ask(prompt: string, signal: AbortSignal): Promise<string | undefined> {
    try {
      return await this.#options.input?.({ prompt, signal });
    } catch {
      return undefined;
    }
  }

  #end(error: ClientError): void {
    this.#worker?.terminate();
    this.#worker = undefined;
    this.#fail?.(error);
    this.#fail = undefined;
  }
}

const stopped = () => new ClientError("unavailable", "The code was stopped.");
const ended = () => new ClientError("unavailable", "Python was ended.");
