import assert from "node:assert/strict";
import { MUTANTS } from "./mutants.ts";
import { mutated, mutationsOf } from "./mutations.ts";

const root = new URL("../../", import.meta.url);

Deno.test("a mutation changes one line; comments, imports and types stay", () => {
  const source = `import { a } from "./a === b.ts";
/**
 * Whether a === b.
 */
export function same(a: number, b: number): boolean {
  // a === b && true
  if (a === b) return true;
  this.#seen.add(a);
  return a < b;
}`;
  const lines = mutationsOf(source).map(({ line, after }) => `${line} ${after.trim()}`);
  assert.deepEqual(lines, [
    "7 if (a !== b) return true;",
    "7 if (a === b) return false;",
    "7 if (!(a === b)) return true;",
    "8 ;",
    "9 return a <= b;",
  ]);
  const [first] = mutationsOf(source);
  assert.ok(first);
  assert.equal(mutated(source, first), source.replace("if (a === b)", "if (a !== b)"));
});

Deno.test("every named mutant changes what is there, and names tests that are there", async () => {
  for (const { name, file, search, replace, tests } of MUTANTS) {
    const source = await Deno.readTextFile(new URL(file, root));
    assert.equal(source.split(search).length, 2, `${name}: ${file} must have once: ${search}`);
    assert.notEqual(search, replace, name);
    for (const path of tests) await Deno.stat(new URL(path, root));
  }
});
