/** `docs/lessons.md` and the names of the tests say the same. */
import assert from "node:assert/strict";
import { lessonRows, lessonsIn, lessonTests, withTests } from "../tools/lesson_tests.ts";
import { readRepository, text } from "./sources.ts";

const tests = lessonTests(await readRepository("tests/"));
const rows = lessonRows(await text("docs/lessons.md"));

Deno.test("every number that a test's name begins with is a lesson", () => {
  assert.ok(tests.size > 40, `only ${tests.size} numbers were found`);
  assert.deepEqual([...tests.keys()].filter((number) => !rows.has(number)), []);
});

Deno.test("each lesson names tests that hold it, or says that it is open", () => {
  const wrong = [...rows].filter(([number, cell]) => {
    const files = [...cell.matchAll(/`([^`]+)`/g)].map(([, file]) => `tests/${file}`);
    if (cell === "open") return tests.has(number);
    return files.length === 0 || files.some((file) => !tests.get(number)?.includes(file));
  });
  assert.deepEqual(wrong, [], "run: deno task docs");
});

Deno.test("numbers are found at the beginning of names only, several in one", () => {
  const source =
    'Deno.test("T6, 10.2: back", f); run("a T7: no", f); name: `M: kept`, "W1 is no: name"';
  assert.deepEqual([...lessonsIn(source)], ["T6", "10.2", "M"]);
  const page =
    "| number | what | tests | reported |\n| --- | --- | --- | --- |\n| T6 | it. | open | x |\n";
  assert.match(
    withTests(page, new Map([["T6", ["tests/a_test.ts"]]])),
    /\| T6 \| it\. \| `a_test\.ts` \| x \|/,
  );
});
