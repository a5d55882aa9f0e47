import { concatBytes } from "./concat_bytes.ts";
import { Turns } from "./turns.ts";

/** In UTF-16 units: what takes no more is made to text at once, and one string always is. */
const PIECE_LENGTH = 64 * 1024;

const encoder = new TextEncoder();

/**
 * The UTF-8 of `JSON.stringify(value)`, but for a large value others have their turn in between.
 * Made for plain JSON: a large object's own `toJSON` is not asked.
 */
export async function encodeInTurns(value: unknown): Promise<Uint8Array<ArrayBuffer>> {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  await eachPiece(value, (text) => void pieces.push(encoder.encode(text)));
  const [only] = pieces;
  return only && pieces.length === 1 ? only : concatBytes(pieces);
}

/** The length of `JSON.stringify(value)`, in turns where that is large; 0 for what is no JSON. */
export function jsonLength(value: unknown): number | Promise<number> {
  return isSmall(value) ? JSON.stringify(value)?.length ?? 0 : lengthInTurns(value);
}

async function lengthInTurns(value: unknown): Promise<number> {
  let length = 0;
  await eachPiece(value, (text) => void (length += text.length));
  return length;
}

/** Whether it may be made to text, or walked, at once. */
export function isSmall(value: unknown): boolean {
  return spent(value, PIECE_LENGTH) > 0;
}

/** What is left of the room when the value has taken its part; nothing, or less, when it is too large. */
function spent(value: unknown, room: number): number {
  if (typeof value === "string") return room - value.length - 2;
  if (typeof value !== "object" || value === null) return room - 5;
  let left = room - 2;
  if (Array.isArray(value)) {
    for (const item of value) if ((left = spent(item, left)) <= 0) break;
    return left;
  }
  for (const name in value) {
    left = spent((value as Record<string, unknown>)[name], left - name.length - 4);
    if (left <= 0) break;
  }
  return left;
}

async function eachPiece(value: unknown, take: (text: string) => void): Promise<void> {
  const turns = new Turns();
  let text = "";
  const flush = () => {
    if (text !== "") take(text);
    text = "";
  };
  const add = async (more: string) => {
    text += more;
    if (text.length < PIECE_LENGTH) return;
    flush();
    if (turns.isOver) await turns.next();
  };
  const isScalar = (one: unknown) => typeof one !== "object" || one === null;
  const write = async (one: unknown): Promise<void> => {
    if (isScalar(one) || isSmall(one)) return await add(JSON.stringify(one) ?? "");
    const isArray = Array.isArray(one);
    let separator = isArray ? "[" : "{";
    for (const [name, child] of Object.entries(one as object)) {
      const isLeftOut = JSON.stringify(isScalar(child) ? child : 0) === undefined;
      if (isLeftOut && !isArray) continue;
      text += isArray ? separator : `${separator}${JSON.stringify(name)}:`;
      separator = ",";
      await write(isLeftOut ? null : child);
    }
    text += separator === "," ? "" : separator;
    text += isArray ? "]" : "}";
  };
  await write(value);
  flush();
}
