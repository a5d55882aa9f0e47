/** Which tests hold which lesson: their names begin with its number. */

/** `T6`, `10.2`, `M`. */
const NUMBER = String.raw`(?:[A-Z]\d{1,2}|10\.\d{1,2}|M)`;
const NAME = new RegExp(String.raw`["\x60](${NUMBER}(?:(?:, | and )${NUMBER})*): `, "g");

/** The numbers in the names of a file's tests. */
export function lessonsIn(source: string): Set<string> {
  const numbers = [...source.matchAll(NAME)].flatMap(([, all = ""]) => all.split(/, | and /));
  return new Set(numbers);
}

/** number → the test files that name it, in the order of their names */
export function lessonTests(files: Iterable<readonly [path: string, source: string]>) {
  const found = new Map<string, string[]>();
  for (const [path, source] of files) {
    // The tests of this page itself have names as examples.
    if (path.startsWith("tests/docs/")) continue;
    for (const number of lessonsIn(source)) found.set(number, [...found.get(number) ?? [], path]);
  }
  return found;
}

/** A row of `docs/lessons.md`: number, what is guarded, tests, where it was reported. */
const ROW = /^\| +(\S+) +\|([^|\n]*)\|([^|\n]*)\|([^|\n]*)\|$/gm;

/** number → the cell of its tests */
export function lessonRows(page: string): Map<string, string> {
  const rows = [...page.matchAll(ROW)].map(([, number = "", , tests = ""]) =>
    [number, tests.trim()] as const
  );
  return new Map(rows.filter(([number]) => new RegExp(`^${NUMBER}$`).test(number)));
}

/** The page with the tests of each lesson as they are. */
export function withTests(page: string, tests: ReadonlyMap<string, readonly string[]>): string {
  const rows = lessonRows(page);
  return page.replace(ROW, (row, number: string, what: string, _, reported: string) => {
    if (!rows.has(number)) return row;
    const files = tests.get(number)?.map((path) => path.replace(/^tests\//, ""));
    return `| ${number} |${what}| ${
      files?.map((file) => `\`${file}\``).join(", ") ?? "open"
    } |${reported}|`;
  });
}
