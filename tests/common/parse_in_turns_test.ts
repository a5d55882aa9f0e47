import assert from "node:assert/strict";
import fc from "fast-check";
import { NestedTooDeep, parseInTurns } from "../../lib/common/parse_in_turns.ts";
import { seedOf } from "../support/say.ts";

/** So much beside it that nothing around it fits into one piece. */
const filler = JSON.stringify(Array.from({ length: 9_000 }, (_, at) => ({ at })));

async function outcome(parse: () => unknown): Promise<unknown> {
  try {
    return { value: await parse() };
  } catch (thrown) {
    return thrown instanceof SyntaxError ? "no JSON" : thrown;
  }
}

Deno.test("parseInTurns() is JSON.parse, also for what is no JSON, in every place", async () => {
  const seed = seedOf("json in turns");
  const broken = fc.tuple(fc.json(), fc.nat(200), fc.constantFrom("", ",", "}", '"', "\\", "x"))
    .map(([json, at, put]) => json.slice(0, at) + put + json.slice(at + 1));
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(fc.json(), broken),
      fc.constantFrom(
        "[FILLER,JSON]",
        '{"a": FILLER , "b" :JSON}',
        "[JSON\n,FILLER,JSON]",
        "JSON",
        "[FILLER,]",
        "[FILLER}",
        "[,FILLER]",
        "[FILLER JSON]",
        "{FILLER:JSON}",
      ),
      async (json, frame) => {
        const text = frame.replaceAll("JSON", () => json).replace("FILLER", () => filler);
        assert.deepEqual(
          await outcome(() => parseInTurns(text)),
          await outcome(() => JSON.parse(text)),
        );
      },
    ),
    { seed, numRuns: 200 },
  );
});

Deno.test("parseInTurns() keeps names that objects own, and ends at the depth it is given", async () => {
  const text = `{"__proto__":{"a":1},"b":${filler},"b":2}`;
  const parsed = await parseInTurns(text);
  assert.deepEqual(Object.getOwnPropertyNames(parsed), ["__proto__", "b"]);
  assert.equal(JSON.stringify(parsed), '{"__proto__":{"a":1},"b":2}');
  const deep = (levels: number) => "[".repeat(levels) + filler + "]".repeat(levels);
  assert.ok(await parseInTurns(deep(254)));
  await assert.rejects(parseInTurns(deep(255)), NestedTooDeep);
  await assert.rejects(parseInTurns("[".repeat(5_000_000)), NestedTooDeep);
});

Deno.test("parseInTurns() gives others their turn", async () => {
  const text = JSON.stringify(Array.from({ length: 200_000 }, (_, at) => ({ at, list: [] })));
  let parsed: unknown;
  let turns = 0;
  const timer = setInterval(() => turns++, 0);
  try {
    parsed = await parseInTurns(text);
  } finally {
    clearInterval(timer);
  }
  assert.equal(JSON.stringify(parsed), text);
  assert.ok(turns > 0, "no timer had its turn");
});
