import assert from "node:assert/strict";
import { startServerProcess } from "../support/server_process.ts";
import { tempFolder } from "../support/temp_folder.ts";
import { connect, signUp } from "../support/server.ts";
import { until } from "../support/until.ts";

const LIMIT = 1_024;

Deno.test({
  name: "O1: a stranger's silent connections never reach the limit of open files",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using folder = await tempFolder();
    await using server = await startServerProcess(
      { DENO_KV_PATH: `${folder.path}/kv`, MAX_CONNECTIONS: "10000" },
      undefined,
      { maxOpenFiles: LIMIT },
    );
    assert.match(server.log(), /fit below the limit of open files/);
    const ada = await signUp(server.url);
    await using client = await connect(server.url, ada.token);
    const { hostname, port } = new URL(server.url);
    const silent: Deno.Conn[] = [];
    try {
      for (let count = 0; count < LIMIT + 100; count++) {
        silent.push(await Deno.connect({ hostname, port: Number(port) }));
      }
      for (let round = 0; round < 5; round++) {
        const answer = await fetch(`${server.url}/health`, { headers: { connection: "close" } });
        assert.equal(answer.status, 200);
        await answer.body?.cancel();
      }
      await using _other = await connect(server.url, ada.token);
      assert.ok(client.socket.connected);
    } finally {
      for (const conn of silent) conn.close();
    }
    await until(async () => (await ada.status("GET", "/api/v1/chats")) === 200);
  },
});
