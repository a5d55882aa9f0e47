import type { PythonResult } from "../protocol/chat_events.ts";
import { ClientError } from "./errors.ts";

/** What a runner says to its worker, and hears from it. */
export interface PythonRequest {
  code: string;
}
export type PythonAnswer = PythonResult | { ready: true };

/** A worker, as far as a runner needs one; `new Worker(…)` is one. */
export interface PythonWorker {
  postMessage(request: PythonRequest): void;
  onmessage: ((event: MessageEvent<PythonAnswer>) => void) | null;
  onerror: ((event: ErrorEvent) => void) | null;
  terminate(): void;
}

export interface PythonRunnerOptions {
  /** Starts a worker that says `{ready: true}` once Python is there. */
  start(): PythonWorker;
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
 * import { PythonRunner } from "webui-realtime/client";
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

  constructor(options: PythonRunnerOptions) {
    this.#options = options;
  }

  /**
   * Runs one piece of code, with names and a folder of its own. What it wrote into the folder comes
   * back as `files` (ten at most, of 2 MB each), pictures among them: data URLs that an `<img>` takes.
   *
   * Throws `rate_limited` when too many wait, `timeout` when the code ran over.
   */
  async run(code: string): Promise<PythonResult> {
    if (this.#waiting >= MAX_WAITING) {
      throw new ClientError("rate_limited", "Too much code waits to be run.");
    }
    this.#waiting++;
    const turn = this.#turn.then(() => this.#run(code));
    this.#turn = turn.catch(() => undefined);
    try {
      return await turn;
    } finally {
      this.#waiting--;
    }
  }

  /** Ends the worker, whatever it runs, and what waits. */
  [Symbol.dispose](): void {
    this.#isEnded = true;
    this.#end(ended());
  }

  async #run(code: string): Promise<PythonResult> {
    const { limitMs = 60_000, loadLimitMs = 60_000 } = this.#options;
    if (this.#isEnded) throw ended();
    let worker = this.#worker;
    if (!worker) {
      worker = this.#worker = this.#options.start();
      await this.#hear(worker, loadLimitMs, "Python could not be loaded in time.");
      if (worker !== this.#worker) throw ended();
    }
    const answer = this.#hear(
      worker,
      limitMs,
      `The code ran over ${limitMs / 1000} s and was ended.`,
    );
    worker.postMessage({ code });
    const heard = await answer;
    if ("ready" in heard) throw new ClientError("internal", "Python answered out of turn.");
    return heard;
  }

  #hear(worker: PythonWorker, limitMs: number, late: string): Promise<PythonAnswer> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#end(new ClientError("timeout", late)), limitMs);
      this.#fail = (error) => {
        clearTimeout(timer);
        reject(error);
      };
      worker.onmessage = ({ data }) => {
        clearTimeout(timer);
        this.#fail = undefined;
        resolve(data);
      };
      worker.onerror = (event) => {
        event.preventDefault();
        this.#end(new ClientError("internal", event.message || "Python could not be loaded."));
      };
    });
  }

  #end(error: ClientError): void {
    this.#worker?.terminate();
    this.#worker = undefined;
    this.#fail?.(error);
    this.#fail = undefined;
  }
}

const ended = () => new ClientError("unavailable", "Python was ended.");
