import type { Parser } from "./parsers.ts";

/** One environment variable: what it is for, what it may be, and what it is when it isn't set. */
export interface Variable<T, HasDefault extends boolean = boolean> {
  readonly name: string;
  readonly purpose: string;
  readonly parser: Parser<T>;
  /** Written as in the environment, read by the same parser. */
  readonly defaultText: HasDefault extends true ? string : string | undefined;
  /** In words, where the default is no fixed text. */
  readonly defaultNote?: string;
  /** Another variable that counts when this one isn't set. */
  readonly fallback?: string;
  /** Never shown in a log or a fault. */
  readonly isSecret?: boolean;
}

type Extras = Pick<Variable<unknown>, "defaultNote" | "fallback" | "isSecret">;

/** A variable that has a value in any case. */
export function preset<T>(
  name: string,
  defaultText: string,
  parser: Parser<T>,
  purpose: string,
  extras: Extras = {},
): Variable<T, true> {
  return { name, purpose, parser, defaultText, ...extras };
}

/** A variable that need not be set. */
export function optional<T>(
  name: string,
  parser: Parser<T>,
  purpose: string,
  extras: Extras = {},
): Variable<T, false> {
  return { name, purpose, parser, defaultText: undefined, ...extras };
}
