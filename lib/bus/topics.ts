/** What services see of the bus: topics, which are names with a schema, and others' channels. */
import type * as v from "valibot";

/** What instances tell each other under one name. */
export interface Topic<T> {
  readonly name: string;
  /** Each message is parsed against it where it arrives; what does not fit is logged and dropped. */
  readonly schema: v.GenericSchema<unknown, T>;
}

export interface MessageHandlers<T> {
  /** Called in the order of publishing for one publisher. */
  onMessage(message: T): void;
  /**
   * Messages may have been missed, so ask for the state itself. It is owed until it has succeeded:
   * what it throws is logged, and it is called again. Gaps that come meanwhile are one more call.
   */
  onGap(signal: AbortSignal): void | Promise<void>;
}

export interface Subscription extends AsyncDisposable {
  /**
   * Returns when what others publish from now on arrives.
   *
   * @throws {AppError} `unavailable` when that takes longer than `timeoutMs`. Default: 9,000.
   */
  whenLive(timeoutMs?: number): Promise<void>;
  /** Calls `onGap`, as if messages had been missed. */
  resync(): void;
  /** Ends the subscription; returns when no `onGap` runs any more. */
  unsubscribe(): Promise<void>;
}

export interface Topics {
  /**
   * Tells all other instances. A message of any size; what is told before it is heard before it.
   *
   * Should it be given up in the end, the subscribers of the topic are told of a gap instead, as soon
   * as the bus takes that: one gap, however many messages it stands for.
   *
   * @throws {AppError} `unavailable` when the bus did not take it within 5 s: then it still waits.
   */
  publish<T>(topic: Topic<T>, message: NoInfer<T>): Promise<void>;
  /** As {@linkcode publish}, and first, whatever becomes of that, to who subscribes here. */
  announce<T>(topic: Topic<T>, message: NoInfer<T>): Promise<void>;
  /** Whether anybody but this instance may hear what is published. */
  isHeard(): boolean;
  subscribe<T>(topic: Topic<T>, handlers: MessageHandlers<T>): Subscription;
}

/** A channel of another protocol: raw texts, under its exact name. One's own texts come back. */
export interface NamedChannel {
  /** @throws {AppError} `unavailable` when three tries failed */
  publish(text: string): Promise<void>;
  subscribe(handlers: MessageHandlers<string>): Subscription;
}
