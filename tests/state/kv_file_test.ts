import assert from "node:assert/strict";
import { silentLogger } from "../../lib/common/logger.ts";
import { prepareKvFile } from "../../lib/state/kv_file.ts";
import { openKvStore } from "../../lib/state/kv_store.ts";
import { keys, unchecked } from "../../lib/state/key_space.ts";
import { keepingLogger } from "../support/log_lines.ts";
import { startServer } from "../support/server.ts";
import { tempFolder } from "../support/temp_folder.ts";

const modeOf = (path: string) => ((Deno.statSync(path).mode ?? 0) & 0o777).toString(8);

async function fill(path: string): Promise<void> {
  await using store = await openKvStore({ path, keyPrefix: "t", logger: silentLogger });
  for (let n = 0; n < 100; n++) {
    await store.values.set(unchecked(keys.user(`u${n}`)), "x".repeat(3_000));
  }
}

Deno.test("X13: the folder and the files of the store are the server's own to read", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/new/deep/server.kv`;
  await using _ = await startServer({ DENO_KV_PATH: path });
  assert.equal(modeOf(`${folder.path}/new/deep`), "700");
  const files = [...Deno.readDirSync(`${folder.path}/new/deep`)].map(({ name }) => name);
  assert.ok(files.includes("server.kv-wal"), files.join());
  for (const name of files) assert.equal(modeOf(`${folder.path}/new/deep/${name}`), "600", name);
});

Deno.test("X13: a store that was open to others is closed, and that is told", async () => {
  await using folder = await tempFolder();
  const own = `${folder.path}/own`;
  await Deno.mkdir(own);
  await fill(`${own}/server.kv`);
  await Deno.chmod(own, 0o755);
  await Deno.chmod(`${own}/server.kv`, 0o644);
  const { logger, lines } = keepingLogger();
  await prepareKvFile(`${own}/server.kv`, logger);
  assert.deepEqual([modeOf(own), modeOf(`${own}/server.kv`)], ["700", "600"]);
  assert.equal(lines.filter((line) => /open to other accounts/.test(line)).length, 2);
  // A folder with other things in it is left alone.
  await Deno.chmod(own, 0o755);
  await Deno.writeTextFile(`${own}/other`, "");
  await prepareKvFile(`${own}/server.kv`, logger);
  assert.equal(modeOf(own), "755");
});

Deno.test("O3, O16: a damaged store is told with its path and what to do, before it is opened", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/server.kv`;
  await fill(path);
  const whole = await Deno.readFile(path);
  const damages: [string, (bytes: Uint8Array) => Uint8Array][] = [
    ["its beginning", (bytes) => (bytes.fill(7, 0, 100), bytes)],
    ["pages in the middle", (bytes) => {
      for (let at = 3 * 4_096; at < bytes.length; at += 2 * 4_096) bytes.fill(9, at, at + 4_096);
      return bytes;
    }],
    ["its end cut off", (bytes) => bytes.subarray(0, 5_000)],
    ["another file", () => new TextEncoder().encode("not a database, but words")],
  ];
  for (const [what, damage] of damages) {
    await Deno.writeFile(path, damage(whole.slice()));
    await assert.rejects(startServer({ DENO_KV_PATH: path }), (thrown: Error) => {
      assert.ok(thrown.message.includes(path), `${what}: ${thrown.message}`);
      assert.match(thrown.message, /backup/, what);
      return true;
    }, what);
  }
  await Deno.writeFile(path, whole);
  await using _ = await startServer({ DENO_KV_PATH: path });
});
