/** README's "Try it without a browser" prints an answer, as it stands there. */
import assert from "node:assert/strict";
import { startServer } from "../support/server.ts";
import { tempFolder } from "../support/temp_folder.ts";
import { text } from "./sources.ts";

const section = (await text("README.md")).split(/^## /m)
  .find((part) => part.startsWith("Try it without a browser")) ?? "";
const block = (language: string) =>
  new RegExp("```" + language + "\n([\\s\\S]*?)```").exec(section)?.[1] ?? "";

async function run(command: string, args: string[], env: Record<string, string> = {}) {
  const { stdout, stderr } = await new Deno.Command(command, {
    args,
    env,
    cwd: new URL("../../", import.meta.url),
  }).output();
  return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
}

function hasCurl(): boolean {
  try {
    return new Deno.Command("curl", { args: ["--version"], stdout: "null" }).outputSync().success;
  } catch {
    return false;
  }
}

Deno.test({
  name: "README: what is to be tried without a browser prints an answer",
  // The lines of the shell need it; they are in the README because it is everywhere.
  ignore: !hasCurl(),
  async fn() {
    await using app = await startServer();
    await using folder = await tempFolder();
    const there = (code: string) => code.replaceAll("localhost:8080", new URL(app.url).host);
    const shell = there(block("sh")) + '\nprintf "\\nTOKEN=%s\\n" "$token"\n';
    const said = await run("sh", ["-c", shell]);
    const words = [...said.matchAll(/"content":"([^"]*)"/g)].map(([, word]) => word).join("");
    assert.match(words, /Hello there/, said);
    const token = /^TOKEN=(\S+)$/m.exec(said)?.[1] ?? "";
    const file = `${folder.path}/hello.mjs`;
    // Where no package is installed, its name leads to the registry's.
    await Deno.writeTextFile(file, there(block("js")));
    const args = ["run", "--quiet", "-A", "--config", "deno.json", file];
    assert.match(await run(Deno.execPath(), args, { TOKEN: token }), /^Hello there/);
  },
});
