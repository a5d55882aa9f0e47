/** What a sweep is told about the cluster. */
export interface SweepContext {
  /** Aborted when the job's lock is lost or the instance stops: end after the current page. */
  signal: AbortSignal;
  /** Those of the instances that have shown no sign of life for a whole lease. */
  deadAmong(instanceIds: Iterable<string>): Promise<Set<string>>;
}

/** A clean-up that one instance of all does at a time. */
export interface SweepJob {
  /** For logs. */
  readonly name: string;
  /** The key of the lock that its holder keeps. */
  readonly lock: readonly string[];
  /** The time between two sweeps, in milliseconds. */
  readonly everyMs: number;
  /** One walk over everything. A throw is logged; the next sweep comes all the same. */
  sweep(context: SweepContext): Promise<void>;
}
