import assert from "node:assert/strict";
import fc from "fast-check";
import { isNestedDeeper } from "../../lib/common/json_nesting.ts";

const depthOf = (value: unknown): number =>
  typeof value === "object" && value !== null
    ? 1 + Math.max(0, ...Object.values(value).map(depthOf))
    : 0;

Deno.test("X5: the depth of JSON is known before it is parsed, whatever stands in its strings", () => {
  const strings = fc.oneof(fc.string(), fc.constantFrom("[[", '\\"[{', "]]", '"', "\\", "\\\\"));
  const json = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 6 },
      strings,
      fc.integer(),
      fc.constant(null),
      fc.array(tie("value"), { maxLength: 4 }),
      fc.dictionary(strings, tie("value"), { maxKeys: 4 }),
    ),
  })).value;
  fc.assert(fc.property(json, fc.nat(6), (value, max) => {
    assert.equal(isNestedDeeper(JSON.stringify(value), max), depthOf(value) > max);
  }));
});

Deno.test("X5: what is no JSON ends, too", () => {
  assert.equal(isNestedDeeper('["never ends', 0), true);
  assert.equal(isNestedDeeper('"never ends [[[[', 2), false);
  assert.equal(isNestedDeeper("[".repeat(300)), true);
  assert.equal(isNestedDeeper("[]".repeat(300)), false);
});
