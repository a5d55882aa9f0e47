import assert from "node:assert/strict";
import { startLines } from "../lib/app/start_lines.ts";
import { loadConfig } from "../lib/config.ts";
import manifest from "../deno.json" with { type: "json" };

const root = new URL("../", import.meta.url);
const url = (path: string) => JSON.stringify(new URL(path, root).href);

/** Runs a module with the permissions of a start. */
async function run(source: string): Promise<{ code: number; out: string; err: string }> {
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(file, source);
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--no-prompt", "--no-check", "--config=deno.json", "-P=start", file],
      cwd: root,
      env: { PORT: "not a port", NO_COLOR: "1" },
    }).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { code, out: text(stdout), err: text(stderr) };
  } finally {
    await Deno.remove(file);
  }
}

Deno.test("who imports the package starts nothing, and can start a server", async () => {
  const { code, out, err } = await run(`
    import { createLogger, loadConfig, startApp } from ${url(manifest.exports["."])};
    console.log("imported");
    const env = { PORT: "0", HOST: "127.0.0.1", DENO_KV_PATH: ":memory:" };
    const config = loadConfig((name) => env[name]);
    await using app = await startApp(config, createLogger({ level: "error" }));
    console.log((await fetch(app.url + "/health")).status);
  `);
  assert.deepEqual({ code, out, err }, { code: 0, out: "imported\n200\n", err: "" });
});

Deno.test("O5: a rejection that nobody awaited is logged, not fatal", async () => {
  const { code, out, err } = await run(`
    import { createLogger } from ${url("lib/common/logger.ts")};
    import { logUnhandledRejections } from ${url("lib/common/unhandled.ts")};
    const listening = logUnhandledRejections(createLogger());
    const told = new Promise((resolve) => addEventListener("unhandledrejection", resolve));
    Promise.reject(new Error("of one request"));
    await told;
    console.log("alive");
    listening[Symbol.dispose]();
    Promise.reject(new Error("of another"));
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    console.log("dead");
  `);
  assert.equal(out, "alive\n");
  assert.match(err, /"message":"a rejection that nobody awaited","error":"of one request"/);
  assert.match(err, /Uncaught.*of another/);
  assert.equal(code, 1);
});

Deno.test("O5: the entry listens for such rejections before it starts the server", async () => {
  const text = await Deno.readTextFile(new URL("main.ts", root));
  const [before] = text.split("await startOrExit()");
  assert.match(before ?? "", /^logUnhandledRejections\(logger\);$/m);
});

Deno.test("the log says where everything is kept, which model answers, and who gets in", () => {
  const lines = (env: Record<string, string>, isEmpty = false) =>
    startLines(loadConfig((name) => env[name]), { isEmpty }).join("\n");
  const first = lines({}, true);
  assert.match(first, /everything is kept in the file \.\/data\/webui-realtime\.kv/);
  assert.match(first, /only the built-in model echo answers/);
  assert.match(first, /the first to sign up becomes the admin; who comes later waits/);
  const other = lines({
    WEBSOCKET_MANAGER: "redis",
    WEBSOCKET_REDIS_URL: "redis://:a-secret@redis.example:6379/1",
    OPENAI_API_BASE_URL: "http://me:a-secret@localhost:11434/v1",
    ENABLE_SIGNUP: "false",
  });
  assert.match(other, /Redis at redis:\/\/redis\.example:6379\/1/);
  assert.match(other, /the models of http:\/\/localhost:11434\/v1 answer/);
  assert.match(other, /nobody else can sign up/);
  assert.doesNotMatch(other, /a-secret|the first/);
  assert.match(lines({ DENO_KV_PATH: ":memory:" }), /gone with this process/);
});
