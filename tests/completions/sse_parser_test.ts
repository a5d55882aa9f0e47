import assert from "node:assert/strict";
import fc from "fast-check";
import { SseParser } from "../../lib/completions/sse_parser.ts";
import { seedOf } from "../support/say.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const parse = (...pieces: Uint8Array[]) => {
  const parser = new SseParser({ maxEventLength: 100 });
  return pieces.flatMap((piece) => [...parser.push(piece)]);
};
const dataOf = (text: string) => parse(encode(text)).map(({ data }) => data);

Deno.test("fields, comments and the three kinds of line ends", () => {
  assert.deepEqual(dataOf("\uFEFFdata: a\ndata:b\r\n\r\n: comment\rdata\r\rdata: lost"), [
    "a\nb",
    "",
  ]);
  assert.deepEqual(parse(encode("id: 7\nevent: end\nretry: 5\ndata:  x\n\ndata: y\n\n")), [
    { event: "end", data: " x", id: "7" },
    { event: "message", data: "y", id: "7" },
  ]);
  assert.deepEqual(dataOf("event: nothing\n\nid: a\0b\ndata: z\n\n"), ["z"]);
});

Deno.test("any cut of the same bytes gives the same events", () => {
  const piece = fc.constantFrom(
    "data: ",
    "a",
    "é",
    "🙂",
    "\r",
    "\n",
    "\r\n",
    ":",
    "id: 1",
    "\uFEFF",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), fc.array(fc.nat(200)), (parts, cuts) => {
      const bytes = encode(parts.join(""));
      const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) =>
        a - b
      );
      const pieces = [0, ...places].map((at, index) =>
        bytes.slice(at, places[index] ?? bytes.length)
      );
      assert.deepEqual(parse(...pieces), parse(bytes));
    }),
    { seed: seedOf("cuts") },
  );
});

Deno.test("a line, and an event of many lines, over the limit is refused", () => {
  assert.throws(() => dataOf("data: " + "x".repeat(100)), { code: "too_large" });
  assert.throws(() => dataOf("data: xxxxxxxxx\n".repeat(11)), { code: "too_large" });
  assert.equal(dataOf("data: xxxxxxxxx\n\n".repeat(50)).length, 50);
});
