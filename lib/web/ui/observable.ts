import { useEffect, useState } from "preact/hooks";

/** A value that parts of the page look at. */
export class Observable<T> {
  #value: T;
  readonly #listeners = new Set<() => void>();

  constructor(value: T) {
    this.#value = value;
  }

  get value(): T {
    return this.#value;
  }

  set value(value: T) {
    if (Object.is(value, this.#value)) return;
    this.#value = value;
    for (const listener of [...this.#listeners]) listener();
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

/** The value of now; the component is drawn again when it changes. */
export function useValue<T>(observable: Observable<T>): T {
  const [, draw] = useState(0);
  useEffect(() => {
    // What changed between the drawing and this moment is not missed.
    draw((count) => count + 1);
    return observable.subscribe(() => draw((count) => count + 1));
  }, [observable]);
  return observable.value;
}
