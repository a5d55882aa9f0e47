import { ChunkQueue } from "./chunk_queue.ts";
import type { CompletionChunk } from "./model_provider.ts";

/**
 * A model's chunks, at most one in `everyMs`: the first at once, what comes meanwhile as one, the
 * rest at the end without delay. An event costs each of its readers the same whatever it carries, so
 * fifty tokens a second need not be fifty events.
 *
 * `open` is given a signal that ends with the reader, so that a source nobody reads is closed.
 */
export function paced(
  open: (signal: AbortSignal) => AsyncIterable<CompletionChunk>,
  everyMs: number,
  signal: AbortSignal,
): AsyncIterable<CompletionChunk> {
  const left = new AbortController();
  const source = open(AbortSignal.any([signal, left.signal]));
  if (source instanceof ChunkQueue) return source.paced(everyMs);
  const fill = async (queue: ChunkQueue, ending: AbortSignal) => {
    ending.addEventListener("abort", () => left.abort(), { once: true });
    for await (const chunk of source) {
      queue.push(chunk);
      while (queue.isFull && !ending.aborted) await queue.taken();
      if (ending.aborted) return;
    }
  };
  return new ChunkQueue(fill, signal).paced(everyMs);
}
