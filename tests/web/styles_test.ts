import assert from "node:assert/strict";

const folder = new URL("../../lib/web/styles/", import.meta.url);

Deno.test("a class is styled in one file: all styles are one sheet, where the last one wins", async () => {
  const files = new Map<string, Set<string>>();
  for await (const { name } of Deno.readDir(folder)) {
    const css = (await Deno.readTextFile(new URL(name, folder))).replace(/\/\*[^]*?\*\//g, "");
    // Alone and at the beginning of a line: a rule for the class itself, wherever it stands.
    for (const [, list = ""] of css.matchAll(/^(\.[\w-]+(?:,\n\.[\w-]+)*) \{/gm)) {
      for (const one of list.split(",\n")) files.set(one, (files.get(one) ?? new Set()).add(name));
    }
  }
  assert.ok(files.size > 100, `${files.size} classes`);
  assert.deepEqual([...files].filter(([, where]) => where.size > 1), []);
});
