/** The documents name files that are there. */
import assert from "node:assert/strict";
import { readRepository, sourcesUnder, text } from "./sources.ts";

const PATH = /\b(?:lib|tests|docs|\.github)\/[\w./-]*\.(?:tsx?|md|json)\b/g;
/** In a picture or a table: a file by its name alone, or with its folder. */
const NAME = /\b(?:[a-z0-9_]+\/)?[a-z0-9_]+\.tsx?\b/g;

Deno.test("every path in a document leads to a file", async () => {
  const pages = [
    ["README.md", await text("README.md")] as const,
    ...await sourcesUnder("docs/", ".github/"),
  ];
  const missing: string[] = [];
  for (const [page, content] of pages) {
    for (const path of new Set(content.match(PATH) ?? [])) {
      const isThere = await Deno.stat(new URL(`../../${path}`, import.meta.url))
        .then(() => true, () => false);
      if (!isThere) missing.push(`${page}: ${path}`);
    }
  }
  assert.deepEqual(missing, []);
});

Deno.test("every file that the architecture names is there", async () => {
  const files = [...await readRepository("lib/"), ["main.ts", ""] as const].map(([path]) => path);
  const named = new Set((await text("docs/architecture.md")).match(NAME) ?? []);
  assert.ok(named.size > 20);
  const missing = [...named].filter((name) =>
    !files.some((file) => file === name || file.endsWith(`/${name}`)) &&
    !name.endsWith("_test.ts") &&
    name !== "tools/layers.ts"
  );
  assert.deepEqual(missing, []);
});

Deno.test("no document holds what a merge left behind", async () => {
  const pages = [
    ["README.md", await text("README.md")] as const,
    ["CHANGELOG.md", await text("CHANGELOG.md")] as const,
    ...await sourcesUnder("docs/", ".github/"),
  ];
  const torn = pages.filter(([, content]) => /(^|\| *)(<{7}|>{7}) \S/m.test(content));
  assert.deepEqual(torn.map(([page]) => page), []);
});

/** As GitHub names a heading. */
const anchorOf = (heading: string) =>
  heading.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-");

Deno.test("every link between documents leads to a file, and to a heading in it", async () => {
  const pages = new Map([
    ["README.md", await text("README.md")] as const,
    ...await sourcesUnder("docs/", ".github/"),
  ]);
  const broken: string[] = [];
  let count = 0;
  for (const [page, content] of pages) {
    for (const [, to = ""] of content.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(to)) continue;
      count++;
      const [file = "", anchor] = to.split("#");
      const path = file === "" ? page : new URL(file, `file:///${page}`).pathname.slice(1);
      const isThere = await Deno.stat(new URL(`../../${path}`, import.meta.url))
        .then(() => true, () => false);
      const headings = [...(pages.get(path) ?? "").matchAll(/^#+ (.+)$/gm)].map(([, one = ""]) =>
        anchorOf(one)
      );
      if (!isThere || (anchor !== undefined && !headings.includes(anchor))) {
        broken.push(`${page}: ${to}`);
      }
    }
  }
  assert.ok(count > 30, `only ${count} links were found`);
  assert.deepEqual(broken, []);
});
