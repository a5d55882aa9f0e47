import assert from "node:assert/strict";
import fc from "fast-check";
import { clientFrame, FrameReader, OPCODE } from "./load/frames.ts";

const MASK_BIT = 0x80;

/** What a server would send for the same text. */
function serverFrame(text: string): Uint8Array {
  const payload = new TextEncoder().encode(text);
  const frame = clientFrame(text).slice();
  const headerLength = frame.length - payload.length - 4;
  frame[1] = (frame[1] ?? 0) & ~MASK_BIT;
  return new Uint8Array([...frame.subarray(0, headerLength), ...payload]);
}

Deno.test("FrameReader gives back every text, wherever the bytes are cut", () => {
  const texts = fc.array(
    fc.oneof(fc.string(), fc.string({ minLength: 120, maxLength: 400 })),
    { minLength: 1, maxLength: 8 },
  );
  fc.assert(fc.property(texts, fc.integer({ min: 1, max: 200 }), (expected, step) => {
    const bytes = new Uint8Array(expected.flatMap((text) => [...serverFrame(text)]));
    const got: string[] = [];
    const reader = new FrameReader((opcode, payload) => {
      assert.equal(opcode, OPCODE.text);
      got.push(new TextDecoder().decode(payload));
    });
    for (let at = 0; at < bytes.length; at += step) reader.push(bytes.slice(at, at + step));
    assert.deepEqual(got, expected);
  }));
});

Deno.test("clientFrame masks its payload and announces its length", () => {
  const frame = clientFrame("x".repeat(300));
  assert.deepEqual([...frame.subarray(0, 4)], [0x81, MASK_BIT | 126, 300 >> 8, 300 & 0xff]);
  const [first, mask] = [frame[8], frame[4]];
  assert.equal((first ?? 0) ^ (mask ?? 0), "x".charCodeAt(0));
  assert.throws(() => clientFrame("x".repeat(65_536)), RangeError);
});
