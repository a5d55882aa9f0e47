import assert from "node:assert/strict";
import { encodeInTurns, jsonLength } from "../../lib/common/encode_in_turns.ts";

const textOf = async (value: unknown) => new TextDecoder().decode(await encodeInTurns(value));
const long = 'é\u2028"\\ '.repeat(30_000);

Deno.test("what is encoded in turns is what JSON.stringify says, however large", async () => {
  const odd = { a: undefined, b: [undefined, null, () => 1], c: NaN, '\n"': -0, d: {}, e: [] };
  const values = [
    ...["text", 1, true, null, [], {}, odd, long],
    { long, odd, more: [long, [odd, undefined, { __proto__: null, long }], undefined] },
    [undefined, long, undefined],
    { first: undefined, long, last: undefined },
    Object.fromEntries(
      Array.from({ length: 3_000 }, (_, at) => [`m${at}`, { at, text: "é".repeat(99) }]),
    ),
  ];
  for (const value of values) {
    const text = JSON.stringify(value);
    assert.equal(await textOf(value), text);
    assert.equal(await jsonLength(value), text.length);
  }
  assert.equal(await jsonLength(undefined), 0);
});
