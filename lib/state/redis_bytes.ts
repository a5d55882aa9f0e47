/**
 * Binary updates as Open WebUI's Python instances keep them: the text of a JSON array of bytes.
 * Written and read without building an array of numbers in between.
 */
import { Buffer } from "node:buffer";
import { AppError } from "../common/errors.ts";

const COMMA = 0x2c;
const OPEN = 0x5b;
const CLOSE = 0x5d;
const ZERO = 0x30;
const NINE = 0x39;
const BLANKS = new Set([0x20, 0x09, 0x0a, 0x0d]);

/** The text of the bytes, as a JSON array. */
export function encodeBytes(bytes: Uint8Array): Buffer {
  const text = Buffer.allocUnsafe(bytes.length * 4 + 2);
  let at = 0;
  text[at++] = OPEN;
  for (let i = 0; i < bytes.length; i++) {
    const value = bytes[i] ?? 0;
    if (value >= 100) {
      const hundreds = value >= 200 ? 2 : 1;
      text[at++] = ZERO + hundreds;
      const rest = value - hundreds * 100;
      const tens = (rest * 205) >> 11;
      text[at++] = ZERO + tens;
      text[at++] = ZERO + rest - tens * 10;
    } else if (value >= 10) {
      const tens = (value * 205) >> 11;
      text[at++] = ZERO + tens;
      text[at++] = ZERO + value - tens * 10;
    } else {
      text[at++] = ZERO + value;
    }
    text[at++] = COMMA;
  }
  if (bytes.length > 0) at--;
  text[at++] = CLOSE;
  return text.subarray(0, at);
}

function malformed(): AppError {
  return new AppError("internal", "An update in the store is no array of bytes.");
}

/**
 * Reads the text back.
 *
 * @throws {AppError} `internal` when it is anything but an array of bytes.
 */
export function decodeBytes(text: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(text.length >> 1);
  let length = 0;
  let value = -1;
  /** Whether a comma has been read that asks for one more number. */
  let owed = false;
  let spaced = false;
  let at = 0;
  while (at < text.length && BLANKS.has(text[at] ?? 0)) at++;
  if (text[at++] !== OPEN) throw malformed();
  for (; at < text.length; at++) {
    const character = text[at] ?? 0;
    if (character >= ZERO && character <= NINE) {
      if (value >= 0 && spaced) throw malformed();
      if (value < 0 && length > 0 && !owed) throw malformed();
      value = (value < 0 ? 0 : value * 10) + character - ZERO;
      if (value > 255) throw malformed();
      spaced = false;
    } else if (character === COMMA) {
      if (value < 0) throw malformed();
      bytes[length++] = value;
      value = -1;
      owed = true;
    } else if (character === CLOSE) {
      if (value >= 0) bytes[length++] = value;
      else if (owed) throw malformed();
      break;
    } else if (BLANKS.has(character)) {
      spaced = true;
    } else {
      throw malformed();
    }
  }
  if (text[at++] !== CLOSE) throw malformed();
  while (at < text.length && BLANKS.has(text[at] ?? 0)) at++;
  if (at < text.length) throw malformed();
  return bytes.subarray(0, length);
}
