/**
 * The memory in which a page answers a worker that stands still: whether there is a line, its length
 * in bytes (both Int32), then its bytes in UTF-8.
 */
export const STDIN = { waiting: 0, line: 1, end: 2, size: 65_536 } as const;

/** Writes a line, or (`undefined`) that there is none, and wakes the worker. */
export function answerStdin(memory: SharedArrayBuffer, line: string | undefined): void {
  const state = new Int32Array(memory, 0, 2);
  const bytes = new TextEncoder().encode(line ?? "").subarray(0, STDIN.size - 8);
  new Uint8Array(memory, 8).set(bytes);
  state[1] = bytes.length;
  Atomics.store(state, 0, line === undefined ? STDIN.end : STDIN.line);
  Atomics.notify(state, 0);
}
