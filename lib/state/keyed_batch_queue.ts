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
      const own = [job];
      this.#waiting.set(key, own);
      void this.#drain(key, own, serve);
    });
  }

  /** Never rejects. */
  async #drain(key: string, queue: Job<Request>[], serve: Serve<Request>): Promise<void> {
    // What the caller asks for in the same turn belongs to the first batch.
    await Promise.resolve();
    while (queue.length > 0) {
      const batch = queue.splice(0);
      try {
        await serve(batch);
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#waiting.delete(key);
  }
}
