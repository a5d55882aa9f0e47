const encoder = new TextEncoder();

/** How many bytes a payload is on the wire: JSON, with binary parts as they are. */
export function payloadSize(payload: unknown): number {
  let size = 0;
  const text = JSON.stringify(payload, function (this: Record<string, unknown>, name, value) {
    // What stands there itself: a Buffer of Node's would come as the JSON that it makes of itself.
    const part = this[name];
    if (!(part instanceof Uint8Array || part instanceof ArrayBuffer)) return value;
    // The digit that stands for it in the text is none of its bytes.
    size += part.byteLength - 1;
    return 0;
  });
  return size + encoder.encode(text).length;
}
