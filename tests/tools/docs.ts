/** Writes what is generated: tables of the documents, and the names that the server may read. */
import { RETIRED_VARIABLES, type Variable, VARIABLES } from "../../lib/config/variables.ts";
import { readRepository } from "../docs/sources.ts";
import { lessonTests, withTests } from "./lesson_tests.ts";
import { generatedParts, withPart } from "./generated.ts";

const root = new URL("../../", import.meta.url);
const changed = new Set(["deno.json"]);

for (const part of await generatedParts()) {
  const url = new URL(part.path, root);
  await Deno.writeTextFile(url, withPart(await Deno.readTextFile(url), part));
  changed.add(part.path);
}

const lessonsUrl = new URL("docs/lessons.md", root);
const lessons = await Deno.readTextFile(lessonsUrl);
await Deno.writeTextFile(
  lessonsUrl,
  withTests(lessons, lessonTests(await readRepository("tests/"))),
);
changed.add("docs/lessons.md");

const settingsUrl = new URL("deno.json", root);
const settings = JSON.parse(await Deno.readTextFile(settingsUrl));
settings.permissions.start.env.allow = [
  ...new Set([
    ...Object.values<Variable<unknown>>(VARIABLES).flatMap(({ name, fallback }) =>
      fallback === undefined ? [name] : [name, fallback]
    ),
    ...Object.keys(RETIRED_VARIABLES),
  ]),
].sort();
await Deno.writeTextFile(settingsUrl, JSON.stringify(settings, null, 2) + "\n");

const formatted = await new Deno.Command(Deno.execPath(), {
  args: ["fmt", "--quiet", ...changed],
  cwd: root,
}).output();
Deno.exitCode = formatted.code;
