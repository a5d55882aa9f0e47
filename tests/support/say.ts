const encoder = new TextEncoder();

/** Prints a figure that a test measured, or the seed that it ran with. */
export function say(line: string): void {
  Deno.stdout.writeSync(encoder.encode(`${line}\n`));
}

/** A seed for a property test, printed: `fc.assert(…, { seed: seedOf("name") })` repeats a run. */
export function seedOf(name: string): number {
  const seed = crypto.getRandomValues(new Int32Array(1))[0] ?? 0;
  say(`${name}: seed ${seed}`);
  return seed;
}
