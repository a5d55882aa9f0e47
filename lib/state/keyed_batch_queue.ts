/** A job that waits, and whom to tell. */
export interface Job<Request> {
  request: Request;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** Serves the jobs of one key in order. What it throws, every job that is not settled gets. */
export type Serve<Request> = (jobs: Job<Request>[]) => Promise<void>;

/**
 * Queues by key: jobs of one key are served one batch after another, so local writers of one key
 * never race each other, and whatever gathers during a batch is the next one. A queue holds only
 * what its callers await, and goes when it is empty.
 */
export class KeyedBatchQueue<Request> {
  readonly #waiting = new Map<string, Job<Request>[]>();

  push<R>(key: string, request: Request, serve: Serve<Request>): Promise<R> {
    return new Promise<R>((resolve, reject) => {
      const job = { request, resolve: resolve as (value: unknown) => void, reject };
      const queue = this.#waiting.get(key);
      if (queue !== undefined) {
        queue.push(job);
        return;
      }
      this.#waiting.set(key, [job]);
      // What the caller asks for in the same turn belongs to the first batch.
      queueMicrotask(() => this.#next(key, serve));
    });
  }

  /** Not an async function: of those that wait for the store there is one for each key. */
  #next(key: string, serve: Serve<Request>): void {
    const batch = this.#waiting.get(key) ?? [];
    if (batch.length === 0) return void this.#waiting.delete(key);
    this.#waiting.set(key, []);
    serve(batch).catch((error) => {
      for (const { reject } of batch) reject(error);
    }).then(() => this.#next(key, serve));
  }
}
