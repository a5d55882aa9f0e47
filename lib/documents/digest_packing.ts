/**
 * How work crosses to the thread and back: large JSON as bytes, for cloning thousands of objects
 * would hold everybody up for as long as the work itself is meant not to.
 */
import { concatBytes } from "../common/concat_bytes.ts";
import { encodeInTurns, isSmall } from "../common/encode_in_turns.ts";
import { parseInTurns } from "../common/parse_in_turns.ts";

/** What comes back. An object's fields; those that are `packed` are the UTF-8 of their JSON. */
export interface Packed {
  fields: Record<string, unknown>;
  packed: string[];
}

/**
 * What goes there. All bytes are one buffer, handed over and not copied: a thread of `node:worker_threads`
 * goes through each byte of an array that it is sent as if it were a property, 100 ns each.
 */
export type Sent = Omit<Sending, "parts"> & { bytes: ArrayBuffer };

/** The same while it waits to be sent, with the bytes where they are. */
export interface Sending extends Packed {
  parts: Uint8Array[];
  /** The lengths of the fields that are bytes, or lists of them, in the order of the buffer. */
  lengths: [name: string, length: number | number[]][];
  /** The value is no object: its one field is the value. */
  isWhole: boolean;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value) &&
  !(value instanceof Uint8Array);

const isOneBytes = (value: unknown): value is Uint8Array => value instanceof Uint8Array;

const isBytes = (value: unknown): value is Uint8Array | Uint8Array[] =>
  isOneBytes(value) || Array.isArray(value) && isOneBytes(value[0]);

/** The names of the fields that are large JSON. */
const largeOf = (fields: Record<string, unknown>): string[] =>
  Object.keys(fields).filter((name) => !isBytes(fields[name]) && !isSmall(fields[name]));

/** What is to go to the thread, its JSON packed in turns. */
export async function packInTurns(value: unknown): Promise<Sending> {
  const isWhole = !isPlain(value);
  const fields: Record<string, unknown> = isWhole ? { value } : { ...value };
  const packed = largeOf(fields);
  for (const name of packed) fields[name] = await encodeInTurns(fields[name]);
  const lengths: Sending["lengths"] = [];
  const parts: Uint8Array[] = [];
  for (const [name, field] of Object.entries(fields)) {
    if (!isBytes(field)) continue;
    delete fields[name];
    lengths.push([name, isOneBytes(field) ? field.length : field.map(({ length }) => length)]);
    if (isOneBytes(field)) parts.push(field);
    else for (const part of field) parts.push(part);
  }
  return { fields, packed, parts, lengths, isWhole };
}

/** The same, ready to be sent. */
export function sealed({ parts, ...sending }: Sending): Sent {
  return { ...sending, bytes: concatBytes(parts).buffer };
}

/** What is to come back, packed in the thread. What is no object comes as it is. */
export function pack(value: unknown): Packed | { whole: unknown } {
  if (!isPlain(value)) return { whole: value };
  const fields = { ...value };
  const packed = largeOf(fields);
  for (const name of packed) fields[name] = encoder.encode(JSON.stringify(fields[name]));
  return { fields, packed };
}

/** What has gone to the thread, in the thread. */
export function unpack({ fields, packed, bytes, lengths, isWhole }: Sent): unknown {
  const there = { ...fields };
  let at = 0;
  const next = (length: number) => new Uint8Array(bytes, (at += length) - length, length);
  for (const [name, length] of lengths) {
    there[name] = typeof length === "number" ? next(length) : length.map(next);
  }
  for (const name of packed) there[name] = JSON.parse(textOf(there[name]));
  return isWhole ? there.value : there;
}

/** What has come back, unpacked in turns. */
export async function unpackInTurns(crossed: Packed | { whole: unknown }): Promise<unknown> {
  if ("whole" in crossed) return crossed.whole;
  const fields = { ...crossed.fields };
  for (const name of crossed.packed) fields[name] = await parseInTurns(textOf(fields[name]));
  return fields;
}

const textOf = (bytes: unknown): string => decoder.decode(bytes as Uint8Array);
