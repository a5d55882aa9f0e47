import assert from "node:assert/strict";
import { between, decisions, generatedParts } from "../tools/generated.ts";
import { text } from "./sources.ts";

/** The formatter widens a table's cells and dashes; that is no difference. */
function unpadded(table: string): string {
  return table.trim().replaceAll(/ +/g, " ").replaceAll(/-{3,}/g, "---");
}

Deno.test("what is generated of the documents is up to date", async () => {
  for (const { path, name, text: generated } of await generatedParts()) {
    const written = between(await text(path), name);
    assert.notEqual(written, undefined, `${path} has no markers of ${name}`);
    assert.equal(unpadded(written ?? ""), unpadded(generated), `${path}: run deno task docs`);
  }
});

Deno.test("decision records have one form: number, title, date, status, three sections", async () => {
  const records = await decisions();
  assert.ok(records.length > 10);
  for (const { file, number, title, date, status, sections } of records) {
    assert.match(file, /^\d{4}-[a-z0-9-]+\.md$/, `${file}: NNNN-title.md`);
    assert.equal(number, file.slice(0, 4), `${file}: "# ${file.slice(0, 4)}: Title"`);
    assert.ok(title && date, `${file}: "- Date: YYYY-MM-DD", then "- Status: …" below the title`);
    assert.match(
      status,
      /^(proposed|accepted(?:; .+)?|superseded by \[\d{4}\]\(\S+\.md\))$/,
      `${file}: status`,
    );
    assert.deepEqual(sections, ["Context", "Decision", "Consequences"], `${file}: sections`);
  }
  const numbers = records.map(({ number }) => number);
  assert.deepEqual(numbers, [...new Set(numbers)], "each number once");
});
