import assert from "node:assert/strict";
import { statfsSync } from "node:fs";
import { personAt, signUp } from "../support/server.ts";
import { startServerProcess } from "../support/server_process.ts";
import { canMount, smallDisk } from "../support/small_disk.ts";
import { say } from "../support/say.ts";
import { until } from "../support/until.ts";

const isMountable = await canMount();
if (!isMountable) say("No small disk can be mounted here: the test of a full one is skipped.");

Deno.test({
  name:
    "O3: a full disk: /ready says no, nothing acknowledged is lost, the process lives, and goes on",
  ignore: !isMountable,
  async fn() {
    await using disk = await smallDisk(48);
    const path = `${disk.path}/server.kv`;
    await using server = await startServerProcess({ DENO_KV_PATH: path });
    const ada = await signUp(server.url);
    await until(() => Deno.stat(`${path}.reserve`).then(({ size }) => size > 0, () => false), {
      what: "the reserve",
    });
    const ready = async () => {
      const response = await fetch(`${server.url}/ready`);
      const { failed } = await response.json();
      return { status: response.status, failed };
    };
    await until(async () => (await ready()).status === 200, { what: "the server to be ready" });

    // Somebody else fills the disk but for a megabyte, then people write until it is full.
    const kept: string[] = [];
    let refused = 0;
    for (let n = 0; refused < 5 && n < 3_000; n++) {
      const response = await ada.call("POST", "/api/v1/notes/create", {
        title: `note ${n}`,
        data: { content: { md: "x".repeat(60_000) } },
      });
      const answer = await response.json();
      if (response.ok) kept.push(answer.id);
      else {
        refused++;
        assert.equal(`${response.status} ${answer.code}`, "503 unavailable");
      }
    }
    assert.equal(refused, 5, `${kept.length} notes fitted`);
    const { status, failed } = await ready();
    assert.equal(status, 503);
    assert.ok(failed.includes("store"), failed.join());
    const errors = () => server.lines().filter(({ message }) => message.includes("disk"));
    assert.equal(errors().length, 1, JSON.stringify(errors()));
    // What is kept can be read, and is all there.
    const readable = async (id: string) => await ada.status("GET", `/api/v1/notes/${id}`) === 200;
    for (const id of [kept[0] ?? "", kept.at(-1) ?? ""]) assert.ok(await readable(id), id);
    // The runtime clears what has expired once a minute, and ends the process where it has no room for that.
    for (let looks = 0; looks < 5; looks++) {
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      const { bavail, bsize } = statfsSync(disk.path);
      assert.ok(bavail * bsize > 4 * 1024 ** 2, `${bavail * bsize} bytes are left`);
      assert.equal(server.isOver, false, server.log());
    }
    assert.equal(errors().length, 1, JSON.stringify(errors()));
    await disk.resize(96);
    await until(async () => (await ready()).status === 200, {
      what: "the server to be ready again",
      limitMs: 60_000,
    });
    assert.equal(await ada.status("POST", "/api/v1/notes/create", { title: "after" }), 200);
    server.kill("SIGTERM");
    assert.equal((await server.status).code, 0);
    await using again = await startServerProcess({ DENO_KV_PATH: path });
    const later = personAt(again.url, ada);
    for (const id of kept) assert.equal(await later.status("GET", `/api/v1/notes/${id}`), 200);
  },
});
