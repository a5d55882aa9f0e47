/** Small changes to code that a test should notice: one token, or one statement, at a time. */

export interface Mutation {
  /** From 1. */
  line: number;
  before: string;
  after: string;
}

const OPERATORS: readonly (readonly [pattern: RegExp, replacement: string])[] = [
  [/ === /, " !== "],
  [/ !== /, " === "],
  [/ && /, " || "],
  [/ \|\| /, " && "],
  [/ < /, " <= "],
  [/ > /, " >= "],
  [/ <= /, " < "],
  [/ >= /, " > "],
  [/ \+ 1\b/, ""],
  [/ - 1\b/, ""],
  [/\btrue\b/, "false"],
  [/\bfalse\b/, "true"],
  [/\bif \((?!!)(.+?)\) /, "if (!($1)) "],
];
/** A statement that stands alone on its line: a call, an assignment to a field, a `throw`. */
const STATEMENT =
  /^\s+(?:(?:await |void )?(?:this\.#?)?[\w.#?]+\(.*\)|this\.#?\w+(?:\.\w+)* [+-]?= .+|throw .+);$/;

/** Every mutation of a source; comments and imports stay as they are. */
export function mutationsOf(source: string): Mutation[] {
  const found: Mutation[] = [];
  let isComment = false;
  for (const [at, before] of source.split("\n").entries()) {
    const text = before.trim();
    if (text.startsWith("/*")) isComment = true;
    const isCode = !isComment && !/^(\/\/|import\b|export .* from\b|type\b|interface\b)/.test(text);
    if (text.endsWith("*/")) isComment = false;
    if (!isCode) continue;
    const afters = OPERATORS.map(([pattern, replacement]) => before.replace(pattern, replacement));
    if (STATEMENT.test(before)) afters.push(";");
    for (const after of new Set(afters)) {
      if (after !== before) found.push({ line: at + 1, before, after });
    }
  }
  return found;
}

/** The source with one mutation. */
export function mutated(source: string, { line, after }: Mutation): string {
  return source.split("\n").with(line - 1, after).join("\n");
}
