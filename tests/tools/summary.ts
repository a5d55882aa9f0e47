export interface Summary {
  passed: number;
  failed: number;
  skipped: number;
}

/** What a run of `deno test` came to. */
export interface Run {
  success: boolean;
  /** Missing when the run ended without one. */
  summary: Summary | undefined;
  /** The files in which something failed. */
  failedFiles: readonly string[];
}

/** Reads the last summary of `deno test` (`ok | 3 passed (2 steps) | 0 failed | 1 ignored (5ms)`). */
export function readSummary(output: string): Summary | undefined {
  const lines = output.split("\n").filter((line) => /^(ok|FAILED) \| \d+ passed/.test(line));
  const last = lines.at(-1);
  if (last === undefined) return undefined;
  const count = (word: string) => Number(last.match(new RegExp(`(\\d+) ${word}`))?.[1] ?? 0);
  return { passed: count("passed"), failed: count("failed"), skipped: count("ignored") };
}

/**
 * Finds the files in which something failed, in the output of `deno test --parallel` without colours: each line
 * begins with its file, or, where there is a single file, it stands above them.
 */
export class FailedFiles {
  readonly #files = new Set<string>();
  #current: string | undefined;
  #line = "";

  read(chunk: string): void {
    const lines = (this.#line + chunk).split("\n");
    this.#line = (lines.pop() ?? "").slice(-10_000);
    for (const line of lines) {
      const file = /^(?:Uncaught error from )?\.\/(tests\/\S+\.tsx?)\b.*\bFAILED\b/.exec(line)?.[1];
      if (file) this.#files.add(file);
      this.#current = /^running \d+ tests? from \.\/(\S+)/.exec(line)?.[1] ?? this.#current;
      if (this.#current && /\.\.\. FAILED\b/.test(line)) {
        this.#files.add(this.#current);
      }
    }
  }

  list(): string[] {
    return [...this.#files].sort();
  }
}

/**
 * The lines that close a run, the last of them `N passed, N failed, N skipped`, and whether it counts as passed.
 * `again` is the one more try that files which failed may be given where a machine is shared; they are listed
 * as flaky then, and what fails twice has failed.
 */
export function conclude(first: Run, again?: Run): { lines: string[]; passed: boolean } {
  if (first.summary === undefined) {
    return {
      lines: ["The tests ended without a summary.", "0 passed, 1 failed, 0 skipped"],
      passed: false,
    };
  }
  const { passed, failed, skipped } = first.summary;
  if (first.success) return { lines: [closingLine({ passed, failed: 0, skipped })], passed: true };
  if (!again) {
    return {
      lines: [closingLine({ passed, failed: Math.max(1, failed), skipped })],
      passed: false,
    };
  }
  const stillFailing = again.success ? [] : again.failedFiles;
  const flaky = first.failedFiles.filter((file) => !stillFailing.includes(file));
  const isKnown = again.summary !== undefined && (again.success || stillFailing.length > 0);
  const lines = isKnown && flaky.length > 0
    ? [
      "Flaky (failed, then passed alone); to be mended first:",
      ...flaky.map((file) => `  ${file}`),
    ]
    : [];
  const passedAgain = again.success && again.summary !== undefined;
  const left = passedAgain ? 0 : Math.max(1, Math.min(failed, again.summary?.failed ?? failed));
  lines.push(closingLine({ passed: passed + Math.max(0, failed - left), failed: left, skipped }));
  return { lines, passed: passedAgain };
}

function closingLine({ passed, failed, skipped }: Summary): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}
