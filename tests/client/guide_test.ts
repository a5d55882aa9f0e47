import assert from "node:assert/strict";
import { createApi } from "../../lib/client/api.ts";
import { startServer } from "../support/server.ts";

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
  const sources = [
    ...await readFiles(new URL("lib/client/", ROOT), /\.ts$/),
    ...await readFiles(new URL("lib/client/react/", ROOT), /\.ts$/),
  ];
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

Deno.test("C10: everything that the package exports says what it is, and its types are exported", async () => {
  const { exports }: { exports: Record<string, string> } = JSON.parse(
    await Deno.readTextFile(CONFIG),
  );
  const entries = Object.entries(exports).filter(([name]) => name.startsWith("./client"))
    .map(([, path]) => new URL(path, ROOT).pathname);
  assert.equal(entries.length, 6);
  await run(Deno.execPath(), ["doc", "--lint", ...entries]);
});

Deno.test("the guide's first program is a chat in ten lines, and runs", async () => {
  await using app = await startServer();
  const [email, password] = ["ada@example.com", "correct horse battery"];
  await createApi({ url: app.url }).signUp({ name: "Ada", email, password });
  const folder = await Deno.makeTempDir();
  try {
    const program = `${folder}/program.ts`;
    const code = examplesIn(guide)[0] ?? "";
    assert.ok(code.split("\n").filter((line) => line !== "").length <= 11, "it is longer");
    await Deno.writeTextFile(program, code);
    const said = await run(Deno.execPath(), [
      ...["run", "-A", "--quiet", "--config", CONFIG, program, app.url, email, password],
    ]);
    assert.match(said, /Hello there\ndone in the chat [\w-]{36}/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
