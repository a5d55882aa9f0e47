import type { CompletionChunk } from "./model_provider.ts";
import { joinChunks } from "./openai_chunk.ts";

/** What is read ahead while a reader waits for its turn, in UTF-16 units; more waits at the source. */
const MAX_AHEAD = 4_096;

/**
 * A model's chunks, at most one in `everyMs`: the first at once, what comes meanwhile as one, the
 * rest at the end without delay. An event costs each of its readers the same whatever it carries, so
 * fifty tokens a second need not be fifty events.
 *
 * `open` is given a signal that ends with the reader, so that a source nobody reads is closed.
 */
export async function* paced(
  open: (signal: AbortSignal) => AsyncIterable<CompletionChunk>,
  everyMs: number,
  signal: AbortSignal,
): AsyncGenerator<CompletionChunk> {
  const left = new AbortController();
  let pending: CompletionChunk | undefined;
  let isOver = false;
  let failure: { thrown: unknown } | undefined;
  const changed = new Turn();
  const taken = new Turn();

  const read = async () => {
    try {
      for await (const chunk of open(AbortSignal.any([signal, left.signal]))) {
        pending = pending ? joinChunks(pending, chunk) : chunk;
        changed.announce();
        while (pending && lengthOf(pending) > MAX_AHEAD && !left.signal.aborted) {
          await taken.next();
        }
      }
    } catch (thrown) {
      failure = { thrown };
    }
    isOver = true;
    changed.announce();
  };
  const onAbort = () => {
    isOver = true;
    failure ??= { thrown: signal.reason };
    changed.announce();
  };
  signal.addEventListener("abort", onAbort, { once: true });
  // It never rejects. A source that does not hear the signal is left to itself, and keeps nobody.
  void read();
  try {
    let turnAtMs = -Infinity;
    while (true) {
      while (!pending && !isOver) await changed.next();
      while (!isOver && pending && lengthOf(pending) <= MAX_AHEAD) {
        const waitMs = turnAtMs + everyMs - performance.now();
        if (waitMs <= 0) break;
        await changed.next(waitMs);
      }
      const chunk = pending;
      pending = undefined;
      taken.announce();
      turnAtMs = performance.now();
      if (chunk) yield chunk;
      else if (failure) throw failure.thrown;
      else if (isOver) return;
    }
  } finally {
    left.abort();
    taken.announce();
    signal.removeEventListener("abort", onAbort);
  }
}

const lengthOf = ({ content = "", reasoning = "" }: CompletionChunk) =>
  content.length + reasoning.length;

/** Lets one side wait for the other, for a while or until it says so. */
class Turn {
  #wake: (() => void) | undefined;

  next(limitMs?: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = limitMs === undefined ? undefined : setTimeout(() => this.announce(), limitMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  announce(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
