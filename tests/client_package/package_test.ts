/** The package as somebody else gets it: packed, installed, compiled, built, and used. */
import assert from "node:assert/strict";
import { createApi } from "../../lib/client/api.ts";
import { findChromium, openBrowser, ROOT, visit } from "../support/browser.ts";
import { startModelProvider } from "../support/model_provider.ts";
import { say } from "../support/say.ts";
import { personAt, startServer } from "../support/server.ts";
import { until } from "../support/until.ts";

const LIMIT_MS = 60_000;
const MAX_BYTES = { chat: 20 * 1024, api: 5 * 1024 };
const ADA = { name: "Ada", email: "ada@example.com", password: "correct horse battery" };
const NOT_IN_IT = `from "(valibot|marked|npm:)|\\bDeno\\.[a-z]`;
const chromium = findChromium();

async function run(
  command: string,
  args: string[],
  { cwd, env = {} }: { cwd: URL | string; env?: Record<string, string> },
): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, {
    ...{ args, cwd },
    env: { NO_COLOR: "1", npm_config_update_notifier: "false", ...env },
  }).output();
  const decoder = new TextDecoder();
  const out = decoder.decode(stdout);
  assert.ok(success, `${command} ${args.join(" ")}: ${out}${decoder.decode(stderr)}`);
  return out;
}

const versions: Record<string, string> = JSON.parse(
  await Deno.readTextFile(new URL("deno.json", ROOT)),
).imports;
const versionOf = (name: string) => versions[name]?.split("@").at(-1) ?? "";

async function copy(from: URL, to: URL): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copy(new URL(`${name}/`, from), new URL(`${name}/`, to));
    else await Deno.copyFile(new URL(name, from), new URL(name, to));
  }
}

/** A project of somebody else's, with the package installed from its tarball. */
async function project(folder: string): Promise<URL> {
  const at = new URL(`file://${folder}/`);
  await run(Deno.execPath(), ["task", "client"], { cwd: ROOT });
  const packed = await run("npm", ["pack", "--json", "--pack-destination", folder], {
    cwd: new URL("dist/client/", ROOT),
  });
  const [{ filename }] = JSON.parse(packed);
  await copy(new URL("app/", import.meta.url), at);
  const editor = ["core", "pm", "extension-collaboration", "extension-collaboration-caret"];
  const names = [...editor, "starter-kit"].map((name) => `@tiptap/${name}`);
  const dependencies = {
    ...Object.fromEntries(names.map((name) => [name, versionOf(name)])),
    ...{ react: "19.3.1", "react-dom": "19.3.1", yjs: versionOf("yjs") },
    "webui-realtime-client": `file:./${filename}`,
  };
  const devDependencies = {
    ...{ typescript: "6.0.3", vite: "8.3.8" },
    ...{ "@types/react": "19.3.0", "@types/react-dom": "19.3.0" },
  };
  const manifest = { private: true, type: "module", dependencies, devDependencies };
  await Deno.writeTextFile(new URL("package.json", at), JSON.stringify(manifest));
  const quick = ["--prefer-offline", "--no-audit", "--no-fund"];
  await run("npm", ["install", ...quick], { cwd: at });
  return at;
}

/** What each part costs a page, as Vite bundles it, in bytes of gzip. */
async function sizesOf(at: URL): Promise<Record<keyof typeof MAX_BYTES, number>> {
  return JSON.parse((await run("node", ["sizes.js"], { cwd: at })).split("\n").at(-2) ?? "");
}

function serve(folder: URL) {
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const { pathname } = new URL(request.url);
    const path = pathname === "/" ? "index.html" : pathname.slice(1);
    const type = path.endsWith(".js") ? "text/javascript" : "text/html";
    return await Deno.readFile(new URL(path, folder)).then(
      (bytes) => new Response(bytes, { headers: { "content-type": type } }),
      () => new Response("", { status: 404 }),
    );
  });
}

const hasNpm = await run("npm", ["--version"], { cwd: ROOT }).then(() => true, () => false);
if (!hasNpm) say("There is no npm on this machine: the test of the package is skipped.");

Deno.test({
  name: "the package is installed, compiled, built and used: Node, Deno, React in StrictMode",
  ignore: !hasNpm,
  async fn(t) {
    const folder = await Deno.makeTempDir();
    await using provider = startModelProvider();
    provider.script = { tokens: ["One ", "two ", "three."], paceMs: 1 };
    await using pages = serve(new URL(`file://${folder}/dist/`));
    const origin = `http://127.0.0.1:${pages.addr.port}`;
    await using app = await startServer({
      OPENAI_API_BASE_URL: provider.baseUrl,
      CORS_ALLOW_ORIGIN: origin,
    });
    const ada = personAt(app.url, await createApi({ url: app.url }).signUp(ADA));
    try {
      const at = await project(folder);

      await t.step("nothing of the server's is in it", async () => {
        const files = await run("grep", ["-rlE", NOT_IN_IT, "--include=*.js", "."], {
          cwd: new URL("node_modules/webui-realtime-client/", at),
        }).catch(() => "");
        assert.equal(files, "");
        const yjs = await run("find", ["node_modules", "-path", "*/yjs/package.json"], { cwd: at });
        assert.equal(yjs.trim(), "node_modules/yjs/package.json");
      });

      await t.step("its types are strict, without skipLibCheck", async () => {
        await run(Deno.execPath(), ["run", "-A", "node_modules/typescript/bin/tsc", "-p", "."], {
          cwd: at,
        });
      });

      await t.step("it is as small as the guide says", async () => {
        const sizes = await sizesOf(at);
        say(`compressed, in bytes: ${JSON.stringify(sizes)}`);
        assert.ok(sizes.chat <= MAX_BYTES.chat && sizes.api <= MAX_BYTES.api);
        assert.ok(sizes.chat > 10_000 && sizes.api > 1_000, "it is not all there");
      });

      await t.step("a program runs in Node and in Deno", async () => {
        const args = ["program.ts", app.url, ADA.email, ADA.password];
        const inDeno = await run(Deno.execPath(), ["run", "-A", "--quiet", ...args], { cwd: at });
        assert.equal(inDeno.trim(), "Ada: One two three. (done)");
        const bundle = ["bundle", "--quiet", "--external", "webui-realtime-client", "-o"];
        await run(Deno.execPath(), [...bundle, "program.mjs", "program.ts"], { cwd: at });
        const inNode = await run("node", ["program.mjs", ...args.slice(1)], { cwd: at });
        assert.equal(inNode.trim(), "Ada: One two three. (done)");
      });

      if (!chromium) return;
      await t.step("chat, channel and note work in a browser, without a warning", async () => {
        await run("node", ["node_modules/vite/bin/vite.js", "build", "--mode", "development"], {
          cwd: at,
          env: { NODE_ENV: "development" },
        });
        const channel = await ada.json<{ id: string }>("POST", "/api/v1/channels/create", {
          name: "general",
        });
        const note = await ada.json<{ id: string }>("POST", "/api/v1/notes/create", {
          title: "Plan",
        });
        const browser = await openBrowser(chromium);
        try {
          const query = new URLSearchParams({
            ...{ url: app.url, token: ada.token, channel: channel.id, note: note.id },
          });
          await using visitor = await visit(browser, `${origin}/?${query}`);
          const { page, faults } = visitor;
          page.setDefaultTimeout(LIMIT_MS);
          await page.locator("#light", { hasText: "online" }).waitFor();

          const chat = page.locator("#chat");
          const done = chat.locator(".status", { hasText: "ready" });
          await chat.getByText("Ask", { exact: true }).click();
          await chat.locator(".assistant", { hasText: "One two three." }).waitFor();
          await done.waitFor();
          await chat.getByText("Edit").click();
          await chat.locator(".user", { hasText: "Other question" }).waitFor();
          await chat.locator(".assistant", { hasText: "One two three." }).waitFor();
          await done.waitFor();
          const before = provider.requests.length;
          await chat.getByText("Again").click();
          await until(() => provider.requests.length > before, { what: "another answer" });
          await chat.locator(".assistant", { hasText: "One two three." }).waitFor();

          const room = page.locator("#channel");
          await room.locator("h2", { hasText: "general (0 unread)" }).waitFor();
          await room.locator("input").fill("Hello from React");
          await room.getByText("Say it").click();
          await room.locator("p", { hasText: "Hello from React" }).waitFor();

          await page.locator("#note .status", { hasText: "synced, 1 here" }).waitFor();
          await page.locator("#note .ProseMirror").pressSequentially("Typed in TipTap");
          await until(async () => {
            const { data } = await ada.json<{ data: { content?: { md?: string } } | null }>(
              "GET",
              `/api/v1/notes/${note.id}`,
            );
            return data?.content?.md?.includes("Typed in TipTap");
          }, { what: "the note's text", limitMs: LIMIT_MS });
          assert.deepEqual(faults, []);
        } finally {
          await browser.close();
        }
      });
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
