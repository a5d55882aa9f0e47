import assert from "node:assert/strict";
import { grantedPaths } from "../../lib/state/granted_paths.ts";
import { tempFolder } from "../support/temp_folder.ts";
import { until } from "../support/until.ts";

const ROOT = new URL("../..", import.meta.url).pathname;

Deno.test("what is granted follows from the configuration, and is no more than the store", () => {
  const granted = (kvPath: string | undefined, isThere = true) =>
    grantedPaths(kvPath, () => isThere).join(" ");
  const files = (path: string) =>
    ["", "-wal", "-shm", "-journal", ".reserve"].map((end) => path + end).join(" ");
  for (const nothing of [undefined, ":memory:", "https://kv.example.com", "./data/any.kv"]) {
    assert.equal(granted(nothing), "./data");
  }
  assert.equal(granted("/srv/chat/app.kv"), files("/srv/chat/app.kv"));
  assert.equal(granted("/srv/my chat/app.kv"), files("/srv/my chat/app.kv"));
  // A folder that is not there has to be made, and is nobody else's then.
  assert.equal(granted("/srv/new/deep/app.kv", false), "/srv/new/deep");
  // Flags of permissions part at commas.
  assert.equal(granted("/srv/a,b/app.kv"), "/srv");
});

/** Runs a command until its log says that the server listens, or until it ends. */
async function start(args: string[], env: Record<string, string>, isGood = false): Promise<string> {
  const child = new Deno.Command(Deno.execPath(), {
    args,
    cwd: ROOT,
    env: { HOST: "127.0.0.1", PORT: "0", LOG_FORMAT: "json", NO_COLOR: "1", ...env },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  let log = "";
  let isOver = false;
  const reading = (async () => {
    for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) log += text;
    isOver = true;
  })();
  try {
    await until(() => isOver || log.includes("listening on"), {
      limitMs: 60_000,
      what: "the server",
    });
    if (isGood) assert.match(log, /listening on/);
  } finally {
    if (!isOver) child.kill("SIGTERM");
    const { code } = await child.status;
    await reading;
    if (isGood) assert.equal(code, 0, log);
  }
  return log;
}

Deno.test("`deno task start` opens a store at any path, with the permissions for it alone", async () => {
  await using folder = await tempFolder();
  for (const path of ["here.kv", "not there yet/store.kv", "a,b/store.kv"]) {
    const env = { DENO_KV_PATH: `${folder.path}/${path}` };
    // The first start makes the folder, the second finds it.
    for (const _ of ["first", "second"]) await start(["task", "start"], env, true);
    assert.ok((await Deno.stat(`${folder.path}/${path}`)).size > 0, path);
  }
});

Deno.test("O16: without the permission the error names the path, and a command that works", async () => {
  await using folder = await tempFolder();
  const env = { DENO_KV_PATH: `${folder.path}/store.kv` };
  const log = await start(["run", "--quiet", "--no-prompt", "-P=start", "main.ts"], env);
  const { error } = JSON.parse(log.trim().split("\n").at(-1) ?? "{}");
  assert.ok(error.includes(env.DENO_KV_PATH), error);
  const [, command = ""] = /`(deno run [^`]+)`/.exec(error) ?? [];
  const args = [...command.matchAll(/'([^']+)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare);
  await start(args.slice(1).map(String), env, true);
});
