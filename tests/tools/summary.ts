export interface Summary {
  passed: number;
  failed: number;
  skipped: number;
}

/** Reads the last summary of `deno test` (`ok | 3 passed (2 steps) | 0 failed | 1 ignored (5ms)`). */
export function readSummary(output: string): Summary | undefined {
  const lines = output.split("\n").filter((line) => /^(ok|FAILED) \| \d+ passed/.test(line));
  const last = lines.at(-1);
  if (last === undefined) return undefined;
  const count = (word: string) => Number(last.match(new RegExp(`(\\d+) ${word}`))?.[1] ?? 0);
  return { passed: count("passed"), failed: count("failed"), skipped: count("ignored") };
}

export function closingLine({ passed, failed, skipped }: Summary): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

/** Finds the files in which something failed, in the output of `deno test --parallel` without colours. */
export class FailedFiles {
  readonly #files = new Set<string>();
  #line = "";

  read(chunk: string): void {
    const lines = (this.#line + chunk).split("\n");
    this.#line = (lines.pop() ?? "").slice(-10_000);
    for (const line of lines) {
      const file = /^(?:Uncaught error from )?\.\/(tests\/\S+\.tsx?)\b.*\bFAILED\b/.exec(line)?.[1];
      if (file) this.#files.add(file);
    }
  }

  list(): string[] {
    return [...this.#files].sort();
  }
}
