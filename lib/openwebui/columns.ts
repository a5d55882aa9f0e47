/** How the two engines write what a column holds: SQLite has JSON as text and booleans as numbers. */
import * as v from "valibot";

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** A JSON column; what is no JSON counts as null. */
export const JsonColumn = v.pipe(
  v.unknown(),
  v.transform((value) => (typeof value === "string" ? parsed(value) : value ?? null)),
);

/** A boolean column; null counts as `false`. */
export const FlagColumn = v.pipe(
  v.nullable(v.union([v.boolean(), v.number()])),
  v.transform((value) => Boolean(value)),
);

/** Seconds or a count; Postgres gives its 64 bits as text. */
export const NumberColumn = v.pipe(
  v.union([v.number(), v.pipe(v.string(), v.transform(Number))]),
  v.number(),
);

export const TextColumn = v.string();
