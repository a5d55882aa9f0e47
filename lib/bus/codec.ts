import { Buffer } from "node:buffer";

/** How deep a message may nest. */
const MAX_DEPTH = 500;

function asBytes(value: object): Buffer | undefined {
  if (ArrayBuffer.isView(value)) {
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  }
  return value instanceof ArrayBuffer ? Buffer.from(value) : undefined;
}

function hasBinary(value: unknown, depth = 0): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (depth > MAX_DEPTH) throw new RangeError("Cannot encode a message that nests so deep");
  if (asBytes(value) !== undefined) return true;
  if (Array.isArray(value)) return value.some((item) => hasBinary(item, depth + 1));
  for (const key in value) {
    if (hasBinary((value as Record<string, unknown>)[key], depth + 1)) return true;
  }
  return false;
}

/**
 * A message as text: JSON, and bytes in Base64 where there are any. A mark that nobody can guess
 * tells bytes from an object that only looks like them.
 *
 * @throws {TypeError | RangeError} for what JSON can't carry
 */
export function encodeMessage(message: unknown): string {
  if (!hasBinary(message)) return JSON.stringify(message);
  const mark = crypto.randomUUID();
  const text = JSON.stringify(message, function (this: Record<string, unknown>, key, value) {
    // `value` has been through Buffer's own toJSON.
    const original = this[key];
    const bytes = typeof original === "object" && original !== null ? asBytes(original) : undefined;
    return bytes === undefined ? value : { [mark]: bytes.toString("base64") };
  });
  return mark + text;
}

const MARKED = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})[{[]/;

/** @throws {SyntaxError} for a text that is no message */
export function decodeMessage(text: string): unknown {
  // As a rule it is JSON and nothing else, whose first character is not one of a mark's.
  const mark = text.startsWith("{") ? undefined : MARKED.exec(text.slice(0, 40))?.[1];
  if (mark === undefined) return JSON.parse(text);
  return JSON.parse(text.slice(mark.length), (_key, value) => {
    const bytes: unknown = value?.[mark];
    return typeof bytes === "string" ? Buffer.from(bytes, "base64") : value;
  });
}
