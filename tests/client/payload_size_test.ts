import assert from "node:assert/strict";
import fc from "fast-check";
import { payloadSize } from "../../lib/client/payload_size.ts";
import { seedOf } from "../support/say.ts";

Deno.test("a payload is never taken for smaller than its JSON, nor for much larger", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const size = new TextEncoder().encode(JSON.stringify(value)).length;
      const told = payloadSize(value);
      assert.ok(told >= size, `${told} < ${size}`);
      assert.ok(told <= 2 * size + 2, `${told} > 2 × ${size}`);
    }),
    { seed: seedOf("payload size"), numRuns: 500 },
  );
});

Deno.test("bytes count as they travel: as they are, or as JSON's numbers", () => {
  const bytes = Uint8Array.from({ length: 1_000 }, (_, at) => at % 256);
  assert.equal(payloadSize(bytes), 1_000);
  const numbers = Array.from(bytes);
  assert.equal(payloadSize(numbers), JSON.stringify(numbers).length);
});
