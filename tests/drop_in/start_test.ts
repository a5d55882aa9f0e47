import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Redis } from "ioredis";
import { jwtVerify } from "jose";
import { ConfigError, loadConfig } from "../../lib/config.ts";
import { RedisServer } from "../support/redis_servers.ts";
import { until } from "../support/until.ts";
import { endPostgres, onEngines } from "./fixture.ts";

Deno.test.afterAll(endPostgres);

const faultsOf = (env: Record<string, string>) => {
  try {
    loadConfig((name) => env[name]);
    return [];
  } catch (thrown) {
    assert.ok(thrown instanceof ConfigError);
    return thrown.faults.map((fault) => fault.split(":")[0]);
  }
};
const url = "postgresql+asyncpg://me:secret@db/open_webui";

Deno.test("drop-in: every fault of the configuration is named at once", () => {
  assert.deepEqual(faultsOf({ OPEN_WEBUI_DATABASE_URL: url, WEBSOCKET_MANAGER: "none" }), [
    "WEBSOCKET_MANAGER",
    "WEBUI_SECRET_KEY",
  ]);
  assert.deepEqual(faultsOf({ OPEN_WEBUI_DATABASE_URL: url, WEBUI_SECRET_KEY: "k".repeat(20) }), [
    "WEBSOCKET_MANAGER",
  ]);
  for (const wrong of ["mysql://db/x", "sqlite://", "sqlite+sqlcipher:///x.db", "webui.db"]) {
    assert.deepEqual(faultsOf({ OPEN_WEBUI_DATABASE_URL: wrong }), ["OPEN_WEBUI_DATABASE_URL"]);
  }
  assert.deepEqual(faultsOf({ DATABASE_SCHEMA: "a b", OPEN_WEBUI_URL: "webui" }), [
    "DATABASE_SCHEMA",
    "OPEN_WEBUI_URL",
  ]);
});

Deno.test("drop-in: Redis is implied, and the limits are what Open WebUI's clients expect", () => {
  const env: Record<string, string> = {
    ...{ OPEN_WEBUI_DATABASE_URL: url, WEBUI_SECRET_KEY: "k".repeat(20) },
    ...{ REDIS_URL: "redis://r:6379/0", ENABLE_ADMIN_CHAT_ACCESS: "False" },
    WEBSOCKET_HEARTBEAT_INTERVAL: "90",
  };
  const config = loadConfig((name) => env[name]);
  assert.equal(config.manager, "redis");
  assert.equal(config.maxPayloadBytes, 16 * 1024 * 1024);
  assert.equal(config.sendBufferLimitBytes, 32 * 1024 * 1024);
  assert.equal(config.sessionTimeoutMs, 360_000, "as Python's reapers");
  assert.equal(config.isAdminChatAccess, false);
  assert.equal(config.mayUseChannels, true);
});

onEngines(
  "a database that lacks a column is refused by name, one of an unknown version is warned of",
  async (on) => {
    await on.fixture.database.query("UPDATE alembic_version SET version_num = 'ffff'");
    const app = await on.start();
    assert.ok(app.url);
    assert.ok(on.lines.some((line) => line.includes("not tried") && line.includes("0.12.4")));
    await on.fixture.database.query("ALTER TABLE note RENAME COLUMN data TO text");
    await assert.rejects(on.start(), { code: "unavailable", message: /note\.data/ });
    await assert.rejects(on.start({ OPEN_WEBUI_DATABASE_URL: "sqlite:////none/webui.db" }), {
      message: /\/none\/webui\.db/,
    });
  },
  { instances: 0 },
);

onEngines(
  "a database that Python migrates is looked at again: an instance that can't go on is not ready",
  async (on) => {
    const app = await on.start();
    const { database } = on.fixture;
    const ready = async () => {
      const response = await fetch(`${app.url}/ready`);
      return [response.status, (await response.json()).failed];
    };
    const newest = (head: string) =>
      database.query(`UPDATE alembic_version SET version_num = '${head}'`);
    assert.deepEqual(await ready(), [200, []]);
    await newest("a newer one");
    assert.deepEqual(await ready(), [200, []]);
    assert.ok(on.lines.some((line) => line.includes("to what was not tried")));
    await database.query('ALTER TABLE "group" RENAME COLUMN parent_group_id TO above');
    await newest("without groups in groups");
    assert.deepEqual(await ready(), [503, ["database"]]);
    assert.ok(on.lines.some((line) => line.includes("start this server anew")));
    await database.query('ALTER TABLE "group" RENAME COLUMN above TO parent_group_id');
    await database.query("ALTER TABLE note RENAME COLUMN data TO text");
    await newest("without notes");
    assert.deepEqual(await ready(), [503, ["database"]]);
    await database.query("ALTER TABLE note RENAME COLUMN text TO data");
    assert.deepEqual(await ready(), [200, []]);
  },
  { instances: 0, engines: ["sqlite", "postgres"] },
);

onEngines(
  "tokens are revoked in the Redis of Open WebUI's HTTP side, where that is another",
  async (on) => {
    await using other = await RedisServer.start();
    const app = await on.start({ REDIS_URL: other.url, WEBSOCKET_REDIS_URL: on.redis.url });
    await on.addUser("ada");
    const tab = await on.tab(on.apps.indexOf(app), "ada", { reconnection: false });
    const python = new Redis(other.url);
    await python.set("open-webui:auth:user:ada:revoked_at", String(Math.ceil(Date.now() / 1_000)));
    python.disconnect();
    await app.sockets.connections.recheck();
    await until(() => !tab.socket.connected, { what: "the end of the session" });
    await app.stop();
  },
  { instances: 0 },
);

onEngines(
  "with OPEN_WEBUI_URL, a key or a database of another Open WebUI ends the start",
  async (on) => {
    await on.addUser("ada");
    let answer: [number, unknown] = [200, { id: "ada", role: "user" }];
    const asked: string[] = [];
    const python = createServer((req, res) => {
      asked.push(`${req.url} ${req.headers.authorization?.slice("Bearer ".length)}`);
      res.writeHead(answer[0], { "content-type": "application/json" });
      res.end(JSON.stringify(answer[1]));
    });
    await new Promise<void>((resolve) => python.listen(0, "127.0.0.1", resolve));
    const OPEN_WEBUI_URL = `http://127.0.0.1:${(python.address() as AddressInfo).port}`;
    try {
      await (await on.start({ OPEN_WEBUI_URL })).stop();
      const [path, token = ""] = asked[0]?.split(" ") ?? [];
      assert.equal(path, "/api/v1/auths/");
      const key = new TextEncoder().encode("the-key-of-open-webui");
      const { payload } = await jwtVerify(token, key);
      // Open WebUI tells who somebody is to people alone.
      assert.deepEqual([payload["id"], payload["typ"]], ["ada", "session"]);
      answer = [200, { id: "ada", role: "admin" }];
      await assert.rejects(on.start({ OPEN_WEBUI_URL }), { message: /differently/ });
      answer = [401, {}];
      await assert.rejects(on.start({ OPEN_WEBUI_URL }), { message: /WEBUI_SECRET_KEY/ });
      answer = [403, {}];
      await assert.rejects(on.start({ OPEN_WEBUI_URL }), { message: /403/ });
      // Who must set a second factor up before anything else is let in by neither.
      await on.fixture.insert("config", { key: "auth.mfa.enable", value: true });
      answer = [401, {}];
      await (await on.start({ OPEN_WEBUI_URL })).stop();
      assert.ok(!on.lines.some((line) => line.includes("only copy")));
      answer = [502, {}];
      await (await on.start({ OPEN_WEBUI_URL })).stop();
    } finally {
      python.closeAllConnections();
      await new Promise((resolve) => python.close(resolve));
    }
    // It may start after this server.
    await (await on.start({ OPEN_WEBUI_URL })).stop();
  },
  { instances: 0 },
);
