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

  /** Tells the listeners that something inside the value has changed. */
  touch(): void {
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

/**
 * As {@linkcode useValue}, for what is touched faster than anybody can see: drawn once a frame.
 */
export function useFrames<T>(observable: Observable<T>): T {
  const [, draw] = useState(0);
  useEffect(() => {
    let frame = 0;
    const end = observable.subscribe(() => {
      frame ||= requestAnimationFrame(() => {
        frame = 0;
        draw((count) => count + 1);
      });
    });
    draw((count) => count + 1);
    return () => {
      end();
      cancelAnimationFrame(frame);
    };
  }, [observable]);
  return observable.value;
}
