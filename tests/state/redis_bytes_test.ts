import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { decodeBytes, encodeBytes } from "../../lib/state/redis_bytes.ts";

Deno.test("bytes are written as JSON writes an array of them", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
    assert.equal(encodeBytes(bytes).toString(), JSON.stringify([...bytes]));
  }));
});

Deno.test("every byte has its digits", () => {
  const all = Uint8Array.from({ length: 256 }, (_, value) => value);
  assert.equal(encodeBytes(all).toString(), JSON.stringify([...all]));
  assert.deepEqual(decodeBytes(encodeBytes(all)), all);
});

Deno.test("bytes are read as JSON reads them, blanks included", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
    for (const indent of [undefined, 2, "\t"]) {
      const text = Buffer.from(JSON.stringify([...bytes], null, indent));
      assert.deepEqual(decodeBytes(text), bytes);
    }
  }));
  assert.deepEqual(decodeBytes(Buffer.from("[1, 2, 255]")), Uint8Array.of(1, 2, 255));
});

Deno.test("what is no array of bytes is refused, whatever it is", () => {
  const wrong = ["", "1", "[", "[1", "[1,", "[1,]", "[,1]", "[256]", "[-1]", "[1 2]", "[a]", "{}"];
  for (const text of [...wrong, "[1.5]", "[1][2]", "[1]x", "[]["]) {
    assert.throws(() => decodeBytes(Buffer.from(text)), /no array of bytes/, text);
  }
  fc.assert(fc.property(fc.string({ unit: fc.constantFrom(..."[],0129 ") }), (text) => {
    let expected: unknown;
    try {
      expected = JSON.parse(text);
    } catch {
      expected = undefined;
    }
    const valid = Array.isArray(expected) && expected.every((n) => Number.isInteger(n) && n < 256);
    if (!valid) {
      // JSON knows no leading zeros; here they do no harm.
      if (!/0\d/.test(text)) assert.throws(() => decodeBytes(Buffer.from(text)), text);
      return;
    }
    assert.deepEqual([...decodeBytes(Buffer.from(text))], expected);
  }));
});
