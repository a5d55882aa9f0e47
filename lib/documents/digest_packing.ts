/**
 * How work crosses to the thread and back: large JSON as bytes, for cloning thousands of objects
 * would hold everybody up for as long as the work itself is meant not to.
 */
import { encodeInTurns, isSmall } from "../common/encode_in_turns.ts";
import { parseInTurns } from "../common/parse_in_turns.ts";

/** An object's fields; those that are `packed` are the UTF-8 of their JSON. */
export interface Packed {
  fields: Record<string, unknown>;
  packed: string[];
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value) &&
  !(value instanceof Uint8Array);

const isBytes = (value: unknown) =>
  value instanceof Uint8Array || Array.isArray(value) && value[0] instanceof Uint8Array;

/** The names of the fields that are large JSON. */
const largeOf = (fields: Record<string, unknown>): string[] =>
  Object.keys(fields).filter((name) => !isBytes(fields[name]) && !isSmall(fields[name]));

/** What is to cross, packed in turns. What is no object crosses as it is. */
export async function packInTurns(value: unknown): Promise<Packed | { whole: unknown }> {
  if (!isPlain(value)) return { whole: value };
  const fields = { ...value };
  const packed = largeOf(fields);
  for (const name of packed) fields[name] = await encodeInTurns(fields[name]);
  return { fields, packed };
}

/** The same at once, in the thread. */
export function pack(value: unknown): Packed | { whole: unknown } {
  if (!isPlain(value)) return { whole: value };
  const fields = { ...value };
  const packed = largeOf(fields);
  for (const name of packed) fields[name] = encoder.encode(JSON.stringify(fields[name]));
  return { fields, packed };
}

/** What has crossed, in the thread. */
export function unpack(crossed: Packed | { whole: unknown }): unknown {
  if ("whole" in crossed) return crossed.whole;
  const fields = { ...crossed.fields };
  for (const name of crossed.packed) fields[name] = JSON.parse(textOf(fields[name]));
  return fields;
}

/** The same in turns. */
export async function unpackInTurns(crossed: Packed | { whole: unknown }): Promise<unknown> {
  if ("whole" in crossed) return crossed.whole;
  const fields = { ...crossed.fields };
  for (const name of crossed.packed) fields[name] = await parseInTurns(textOf(fields[name]));
  return fields;
}

const textOf = (bytes: unknown): string => decoder.decode(bytes as Uint8Array);
