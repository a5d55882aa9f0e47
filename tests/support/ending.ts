/**
 * What a task has started ends with it, also when it is told to end before its time: a child does not
 * hear of a signal that is for its parent alone.
 */
const ends = new Set<() => Promise<unknown>>();
let isTold = false;

/** Has something ended by a signal, unless the answer, which is called where it has ended, was before. */
export function endsWithTask(end: () => Promise<unknown>): () => void {
  ends.add(end);
  return () => void ends.delete(end);
}

/** Whether {@linkcode endOnSignals} was called: who has a way of its own to hear signals leaves it. */
export const isEndedBySignals = () => isTold;

/** On SIGINT and SIGTERM everything is ended, the last that was begun first, and then the task. */
export function endOnSignals(): void {
  isTold = true;
  let isEnding = false;
  for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
    Deno.addSignalListener(signal, async () => {
      if (isEnding) return;
      isEnding = true;
      for (const end of [...ends].reverse()) await end().catch(() => {});
      Deno.exit(code);
    });
  }
}
