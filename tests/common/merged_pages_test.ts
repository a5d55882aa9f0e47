import assert from "node:assert/strict";
import fc from "fast-check";
import { type Entry, mergedPage, type PageSource } from "../../lib/common/merged_pages.ts";
import { seedOf } from "../support/say.ts";

const before = (a: Entry, b: Entry) =>
  b.score - a.score || (a.member === b.member ? 0 : a.member > b.member ? -1 : 1);

/** An index in memory whose cursor is a place in its list. */
function sourceOf(entries: readonly Entry[]): PageSource {
  const sorted = [...entries].sort(before);
  return {
    page({ limit, max = Infinity, cursor = "0" }) {
      const open = sorted.filter(({ score }) => score <= max);
      const end = Number(cursor) + limit;
      return Promise.resolve({
        entries: open.slice(Number(cursor), end),
        cursor: end < open.length ? String(end) : undefined,
      });
    },
  };
}

const Entries = fc.uniqueArray(
  fc.record({ member: fc.uuid(), score: fc.integer({ min: 0, max: 5 }) }),
  { selector: ({ member }) => member, maxLength: 30 },
);

Deno.test("pages of several lists, one after another, are all of their entries in order", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(Entries, { maxLength: 4 }),
      fc.integer({ min: 1, max: 7 }),
      async (lists, limit) => {
        // An entry of the first list is in the others, too, as a note that is shared twice.
        const all = lists.map((list, at) => at === 0 ? list : [...list, ...lists[0] ?? []]);
        const seen: Entry[] = [];
        let cursor: string | undefined;
        do {
          const page = await mergedPage(all.map(sourceOf), { limit, cursor });
          assert.ok(page.entries.length <= limit);
          seen.push(...page.entries);
          cursor = page.cursor;
        } while (cursor !== undefined);
        const expected = new Map(all.flat().map((entry) => [entry.member, entry]));
        assert.deepEqual(seen, [...expected.values()].sort(before));
      },
    ),
    { seed: seedOf("merged pages"), numRuns: 200 },
  );
});

Deno.test("what is no cursor is refused", async () => {
  await fc.assert(
    fc.asyncProperty(fc.string(), async (cursor) => {
      await assert.rejects(mergedPage([], { limit: 1, cursor }), { code: "invalid_payload" });
    }),
    { seed: seedOf("cursors") },
  );
});
