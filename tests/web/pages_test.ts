import assert from "node:assert/strict";
import { brotliDecompressSync } from "node:zlib";
import type { SystemStatus } from "../../lib/protocol/system_status.ts";
import { ask, newChat } from "../e2e/support/chat.ts";
import { buildPages } from "../support/browser.ts";
import { startModelProvider } from "../support/model_provider.ts";
import { say } from "../support/say.ts";
import { signUp, startServer } from "../support/server.ts";
import { until } from "../support/until.ts";

/** What the first page may weigh, compressed. */
const MAX_FIRST_BYTES = 100_000;

interface Raw {
  status: number;
  headers: Headers;
  bytes: Uint8Array;
}

/** As the browser gets it: `fetch` would take the compression away. */
async function raw(url: string, headers: Record<string, string> = {}): Promise<Raw> {
  const { hostname, port, pathname } = new URL(url);
  using connection = await Deno.connect({ hostname, port: Number(port) });
  const lines = Object.entries({ host: hostname, connection: "close", ...headers })
    .map(([name, value]) => `${name}: ${value}\r\n`).join("");
  await connection.write(new TextEncoder().encode(`GET ${pathname} HTTP/1.1\r\n${lines}\r\n`));
  const all = await new Response(connection.readable).bytes();
  const text = new TextDecoder("latin1").decode(all);
  const end = text.indexOf("\r\n\r\n");
  const [first = "", ...rest] = text.slice(0, end).split("\r\n");
  const found = new Headers(rest.map((line) => {
    const at = line.indexOf(":");
    return [line.slice(0, at), line.slice(at + 1).trim()] as [string, string];
  }));
  return { status: Number(first.split(" ")[1]), headers: found, bytes: all.slice(end + 4) };
}

const BROTLI = { "accept-encoding": "gzip, br" };

/** The scripts that are loaded before anything is clicked: the entry and what it imports. */
async function firstFiles(url: string): Promise<{ path: string; bytes: number }[]> {
  const html = await (await fetch(url)).text();
  const waiting = [...html.matchAll(/(?:src|href)="(assets\/[^"]+)"/g)].map(([, path = ""]) =>
    `/${path}`
  );
  const files = new Map<string, number>();
  for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) {
    if (files.has(path)) continue;
    const { bytes, headers } = await raw(url + path, BROTLI);
    const isCompressed = headers.get("content-encoding") === "br";
    assert.ok(isCompressed || bytes.length < 1_000, path);
    assert.equal(Number(headers.get("content-length")), bytes.length, path);
    files.set(path, bytes.length);
    const code = new TextDecoder().decode(isCompressed ? brotliDecompressSync(bytes) : bytes);
    for (const [, name] of code.matchAll(/(?:from|import)\s*"\.\/([^"]+)"/g)) {
      waiting.push(`/assets/${name}`);
    }
  }
  return [...files].map(([path, bytes]) => ({ path, bytes }));
}

Deno.test("the pages are served: what they weigh, how long they are kept, what they may do", async (t) => {
  await buildPages();
  await using app = await startServer();
  const { url } = app;

  await t.step("the first page is small", async () => {
    const files = await firstFiles(url);
    const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
    say(`first page: ${(total / 1024).toFixed(1)} KiB in ${files.length} files (brotli)`);
    assert.ok(files.length >= 3);
    assert.ok(total < MAX_FIRST_BYTES, `${total} bytes`);
  });

  await t.step("only our own scripts run", async () => {
    const response = await fetch(url);
    await response.body?.cancel();
    const policy = response.headers.get("content-security-policy") ?? "";
    assert.match(policy, /script-src 'self';/);
    assert.match(policy, /style-src 'self';/);
    assert.match(policy, /default-src 'none'/);
    assert.match(policy, /frame-ancestors 'none'/);
    assert.doesNotMatch(policy, /unsafe/);
    assert.equal(response.headers.get("x-content-type-options"), "nosniff");
  });

  await t.step("what is named by its content is kept for ever, the page is asked for", async () => {
    const page = await fetch(url);
    const html = await page.text();
    assert.equal(page.headers.get("cache-control"), "no-cache");
    const script = /rel="modulepreload" href="([^"]+)"/.exec(html)?.[1] ?? "";
    const asset = await raw(`${url}/${script}`, BROTLI);
    assert.match(asset.headers.get("cache-control") ?? "", /immutable/);
    assert.equal(asset.headers.get("vary"), "accept-encoding");
    const etag = page.headers.get("etag") ?? "";
    const again = await raw(`${url}/`, { "if-none-match": etag });
    assert.equal(again.status, 304);
    assert.equal(again.bytes.length, 0);
  });

  await t.step("Python may load its runtime, and its code reaches nobody else", async () => {
    const response = await fetch(`${url}/pyodide/pyodide.mjs`);
    await response.body?.cancel();
    assert.equal(response.status, 200);
    const html = await (await fetch(url)).text();
    const worker = await raw(`${url}/${/data-python="([^"]+)"/.exec(html)?.[1]}`, BROTLI);
    const policy = worker.headers.get("content-security-policy") ?? "";
    assert.match(policy, /connect-src 'self'$/);
  });

  await t.step("nothing else of the folder is served", async () => {
    for (const path of ["/assets.json", "/assets/../assets.json", "/deno.json", "/lib/app.ts"]) {
      assert.equal((await raw(url + path)).status, 404, path);
    }
  });
});

Deno.test("the live view is for admins", async () => {
  await using app = await startServer();
  const [admin, user] = [await signUp(app.url), await signUp(app.url)];
  const view = await admin.json<{ instance_id: string; instances: { id: string }[] }>(
    "GET",
    "/api/v1/live",
  );
  assert.equal(view.instance_id, app.instanceId);
  assert.deepEqual(view.instances.map(({ id }) => id), [app.instanceId]);
  const refused = await user.call("GET", "/api/v1/live");
  await refused.body?.cancel();
  assert.equal(refused.status, 403);
});

Deno.test("the live view names the tasks that run, and for whom", async () => {
  await using provider = startModelProvider();
  provider.script = { tokens: ["One", " two"], paceMs: 60_000 };
  await using app = await startServer({ OPENAI_API_BASE_URL: provider.baseUrl });
  const admin = await signUp(app.url);
  const chatId = await newChat(admin, "titled");
  const id = await ask(admin, chatId);
  const { tasks } = await admin.json<SystemStatus>("GET", "/api/v1/live");
  const { name } = await admin.json<{ name: string }>("GET", "/api/v1/auths/");
  assert.deepEqual(
    tasks.map((task) => [task.id, task.item_id, task.user_name, task.instance_id]),
    [[id, chatId, name, app.instanceId]],
  );
  assert.equal(await admin.status("POST", `/api/tasks/stop/${id}`), 200);
  await until(() => provider.requests.at(-1)?.closedAtMs, { what: "the end of the upstream" });
});
