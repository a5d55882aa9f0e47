import assert from "node:assert/strict";
import { say } from "../support/say.ts";
import { signUp, startServer } from "../support/server.ts";

const ROOT = new URL("../../", import.meta.url);
const CONFIG = new URL("deno.json", ROOT).pathname;

async function run(command: string, args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, {
    args,
    env: { NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  assert.ok(success, `${command} ${args.join(" ")}: ${decoder.decode(stderr)}`);
  return decoder.decode(stdout);
}

/** The examples of a text, in Markdown or in docstrings. */
const examplesIn = (text: string) =>
  [...text.replaceAll(/^ *\* ?/gm, "").matchAll(/^```ts\n([^]*?)^```$/gm)]
    .map(([, code = ""]) => code);

async function readFiles(folder: URL, ending: RegExp): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  for await (const { name } of Deno.readDir(folder)) {
    if (ending.test(name)) texts.set(name, await Deno.readTextFile(new URL(name, folder)));
  }
  return texts;
}

const guide = await Deno.readTextFile(new URL("docs/client.md", ROOT));

Deno.test("the examples of the guide and of the docstrings are right, by their types", async () => {
  const sources = await readFiles(new URL("lib/client/", ROOT), /\.ts$/);
  const folder = await Deno.makeTempDir();
  try {
    const files: string[] = [];
    for (const [name, text] of [["guide", guide] as const, ...sources]) {
      for (const [at, code] of examplesIn(text).entries()) {
        const file = `${folder}/${name.replace(/\.ts$/, "")}_${at}.ts`;
        await Deno.writeTextFile(file, `/// <reference lib="dom" />\n${code}\nexport {};\n`);
        files.push(file);
      }
    }
    assert.ok(files.length >= 10, `${files.length} examples`);
    await run(Deno.execPath(), ["check", "--quiet", "--config", CONFIG, ...files]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("the guide's first program runs: in Deno as it is, in Node as a bundle", async () => {
  await using app = await startServer();
  const { token } = await signUp(app.url);
  const folder = await Deno.makeTempDir();
  try {
    const program = `${folder}/program.ts`;
    await Deno.writeTextFile(program, examplesIn(guide)[0] ?? "");
    const inDeno = await run(Deno.execPath(), [
      ...["run", "-A", "--quiet", "--config", CONFIG, program, app.url, token],
    ]);
    assert.match(inDeno, /Hello there/);
    const bundle = `${folder}/program.mjs`;
    await run(Deno.execPath(), ["bundle", "--quiet", "--config", CONFIG, program, "-o", bundle]);
    const hasNode = await run("node", ["--version"]).then(() => true, () => false);
    if (!hasNode) return say("There is no Node on this machine: its half of the test is skipped.");
    assert.match(await run("node", [bundle, app.url, token]), /Hello there/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
