export interface InstanceRequestOptions {
  /** How long an answer may take. Default: 5,000. */
  timeoutMs?: number;
  /** Ends the wait, and the work at the other end. */
  signal?: AbortSignal;
}

/**
 * Asks one instance, by its name, and answers what others ask. What is sent is what JSON makes of
 * it; whoever receives it checks its shape.
 */
export interface InstanceRequests {
  /**
   * @throws {AppError} `timeout` without an answer in time, `unavailable` when the instance can't be
   * reached, and whatever code the other end refused with
   */
  request(
    instanceId: string,
    topic: string,
    payload: unknown,
    options?: InstanceRequestOptions,
  ): Promise<unknown>;
  /** Serves a topic until the result is disposed of. */
  handle(
    topic: string,
    handler: (payload: unknown, context: { from: string; signal: AbortSignal }) => unknown,
  ): Disposable;
}
