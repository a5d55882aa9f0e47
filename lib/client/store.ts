import { Listeners } from "./listeners.ts";

/** What is looked at and changes: as React's `useSyncExternalStore` wants it. */
export interface Readable<S> {
  /** What there is now: a new object after each change, and never a changed one. */
  readonly snapshot: S;
  /** Hears each change. Returns the end. */
  readonly subscribe: (listener: () => void) => () => void;
}

/** A value whose changes are new values. */
export class Store<S> implements Readable<S> {
  readonly #listeners = new Listeners<void>();
  #snapshot: S;

  constructor(snapshot: S) {
    this.#snapshot = snapshot;
  }

  /** What there is now. */
  get snapshot(): S {
    return this.#snapshot;
  }

  /** Hears each change. Returns the end. */
  readonly subscribe = (listener: () => void): () => void => this.#listeners.add(listener);

  /** Puts a new value in the place of the old one. */
  set(snapshot: S): void {
    if (Object.is(snapshot, this.#snapshot)) return;
    this.#snapshot = snapshot;
    this.#listeners.tell();
  }
}
