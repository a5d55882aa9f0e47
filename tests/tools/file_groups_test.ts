import assert from "node:assert/strict";
import { FileGroups, groupsOf } from "./file_groups.ts";
import { prefixed } from "./load_together.ts";

const brief = (count: number) =>
  Array.from({ length: count }, (_, at) => `tests/users/${at}_test.ts`);

Deno.test("brief files of a folder are loaded together, a few at a time; all others alone", () => {
  const files = ["tests/web/a_test.ts", ...brief(7), "tests/web/b_test.ts", "tests/app_test.ts"];
  const groups = groupsOf(files);
  assert.deepEqual(groups.map(({ length }) => length), [1, 6, 1, 1, 1]);
  assert.deepEqual(groups.flat().toSorted(), files.toSorted(), "each of them once");
});

Deno.test("the output names the files, not what loads them", () => {
  const groups = new FileGroups(brief(2), "/tmp/x");
  const of = (line: string) => groups.unfold(line);
  assert.equal(
    of("../../tmp/x/group_0.ts => tests/users/1_test.ts => a name ... ok (2ms)"),
    "./tests/users/1_test.ts => a name ... ok (2ms)",
  );
  assert.equal(
    of("Uncaught error from ../../tmp/x/group_0.ts FAILED"),
    brief(2).map((file) => `Uncaught error from ./${file} FAILED`).join("\n"),
  );
  const other = "./tests/web/a_test.ts => a name ... FAILED (2ms)";
  assert.equal(of(other), other);
});

Deno.test("a test is named with its file, in whatever form it is registered", () => {
  const fn = function named() {};
  const named = (...args: unknown[]) => prefixed(args, "f => ");
  assert.deepEqual(named("a", fn), ["f => a", fn]);
  assert.deepEqual(named("a", { ignore: true }, fn), ["f => a", { ignore: true }, fn]);
  assert.deepEqual(named({ name: "a", fn }), [{ name: "f => a", fn }]);
  assert.deepEqual(named({ ignore: true, name: "a" }, fn), [{ ignore: true, name: "f => a" }, fn]);
  assert.deepEqual(named({ ignore: true }, fn), ["f => named", { ignore: true }, fn]);
  assert.deepEqual(named(fn), ["f => named", fn]);
});
