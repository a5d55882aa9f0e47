/**
 * Who wants to hear of something. Each `add` returns its own end. A listener that throws is a fault
 * of its own: it is reported, and keeps nobody else from hearing.
 */
export class Listeners<T> {
  readonly #listeners = new Set<(value: T) => void>();

  add(listener: (value: T) => void): () => void {
    const own = (value: T) => listener(value);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  tell(value: T): void {
    for (const listener of [...this.#listeners]) attempt(() => listener(value));
  }

  clear(): void {
    this.#listeners.clear();
  }
}

/** Calls what a program has given; what it throws is told on the console, and ends nothing here. */
export function attempt(call: () => void): void {
  try {
    call();
  } catch (thrown) {
    // Thrown on, or given to `reportError`, it would end a process of Node or Deno.
    // deno-lint-ignore no-console
    console.error("A listener has thrown:", thrown);
  }
}
