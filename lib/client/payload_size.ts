const encoder = new TextEncoder();

/** The bytes of a text in JSON. */
function textSize(text: string): number {
  // Plain ASCII, which is nearly all, needs no copy: a quote on each side, nothing escaped.
  if (!/[^\x20-\x7e]|["\\]/.test(text)) return text.length + 2;
  return encoder.encode(JSON.stringify(text)).length;
}

/** The bytes of a whole number in JSON, without making its text: notes travel as arrays of them. */
function numberSize(number: number): number {
  if (number >= 0 && number < 256 && Number.isInteger(number)) {
    return number < 10 ? 1 : number < 100 ? 2 : 3;
  }
  return String(number).length;
}

/** How many bytes a payload is on the wire: JSON, with binary parts as they are. */
export function payloadSize(value: unknown): number {
  if (value instanceof Uint8Array || value instanceof ArrayBuffer) return value.byteLength;
  switch (typeof value) {
    case "string":
      return textSize(value);
    case "number":
      return numberSize(value);
    case "boolean":
      return value ? 4 : 5;
    case "object":
      break;
    default:
      return 0;
  }
  if (value === null) return 4;
  if (Array.isArray(value)) {
    let size = 1 + Math.max(1, value.length);
    for (const item of value) size += item === undefined ? 4 : payloadSize(item);
    return size;
  }
  let size = 2;
  for (const [name, item] of Object.entries(value)) {
    if (item !== undefined) size += textSize(name) + payloadSize(item) + 2;
  }
  return size;
}
