import assert from "node:assert/strict";
import fc from "fast-check";
import { decodeValue, encodeValue } from "../../lib/state/redis_codec.ts";
import { seedOf } from "../support/say.ts";

Deno.test("every JSON value is read back; a text that is no JSON stands there as it is", () => {
  const values = fc.oneof(
    fc.jsonValue(),
    fc.string(),
    fc.constantFrom("12", "null", '"a"', "{", ""),
  );
  fc.assert(
    fc.property(values, (value) => {
      assert.deepEqual(decodeValue(encodeValue(value)), JSON.parse(JSON.stringify(value)));
    }),
    { seed: seedOf("codec") },
  );
  const id = "0b7e7f0c-36f5-4a53-9d8e-5f0e0f3c9a11";
  assert.equal(encodeValue(id), id);
  assert.equal(encodeValue("12"), '"12"');
});
