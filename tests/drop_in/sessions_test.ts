import assert from "node:assert/strict";
import { connect } from "../../lib/client/connect.ts";
import { until } from "../support/until.ts";
import { endPostgres, onEngines } from "./fixture.ts";

Deno.test.afterAll(endPostgres);
const engines = ["sqlite", "postgres"] as const;
const both = { engines: [...engines] };

onEngines(
  "a tab signs in by its token, is in the pool before it is told its id, and gone at once",
  async (on) => {
    await on.addUser("ada", { session_stamp: "s1" });
    const token = await on.token("ada", { session_stamp: "s1" });
    const tab = await on.tab(0, undefined, { auth: { token } });
    const sid = tab.socket.id ?? "";
    const { last_seen_at, instance_id, ...entry } = (await on.pool()).get(sid) ?? {};
    assert.deepEqual(entry, { id: "ada", name: "ada", email: "ada@example.com", role: "user" });
    assert.ok(Math.abs(Number(last_seen_at) - Date.now() / 1_000) < 60, "unix seconds");
    assert.equal(instance_id, on.apps[0]?.instanceId);
    assert.deepEqual(await tab.ask("user-join", { auth: { token } }), [{ id: "ada", name: "ada" }]);
    tab.socket.disconnect();
    await until(async () => (await on.pool()).size === 0, { what: "the session to go" });
  },
  both,
);

onEngines(
  "who may not sign in stays connected, without a session, and is told nothing",
  async (on) => {
    await on.addUser("ada", { session_stamp: "s1" });
    await on.addUser("new", { role: "pending" });
    await on.addUser("off", { active: false });
    for (const [id, claims] of [["ada", {}], ["new", {}], ["off", {}], ["none", {}]] as const) {
      const token = await on.token(id, claims);
      const tab = await on.tab(0, undefined, { auth: { token } });
      assert.deepEqual(await tab.ask("user-join", { auth: { token } }), [], id);
      assert.equal(tab.socket.connected, true);
    }
    assert.equal((await on.pool()).size, 0);
  },
);

onEngines(
  "C7: a client of the library is told why it can't sign in: its token's end, a wrong one, an account that waits",
  async (on) => {
    for (const id of ["ada", "new"]) {
      await on.addUser(id, { role: id === "ada" ? "user" : "pending" });
    }
    const exp = Math.floor(Date.now() / 1_000) - 10;
    const refused = [
      [await on.token("ada", { exp }), "token_expired"],
      ["x.y.z", "unauthenticated"],
      [await on.token("new"), "forbidden"],
    ] as const;
    for (const [token, code] of refused) {
      using connection = connect({ url: on.apps[0]?.url, token });
      await assert.rejects(connection.ready, { code });
      assert.equal(connection.status.state, "signed_out");
      connection.close();
      await until(() => connection.isIdle, { what: "the end of the connection" });
    }
    using good = connect({
      url: on.apps[0]?.url,
      token: await on.token("ada"),
    });
    await good.ready;
    assert.equal(good.user?.id, "ada");
    good.close();
    await until(() => good.isIdle, { what: "the end of the connection" });
  },
);

onEngines(
  "signs of life are stored once a minute and user, whichever instance hears them",
  async (on) => {
    await on.addUser("ada");
    const tabs = [await on.tab(0, "ada"), await on.tab(1, "ada")];
    const lastActive = async () => {
      const [row] = await on.fixture.database.query('SELECT last_active_at AS at FROM "user"');
      return Number(row?.["at"]);
    };
    for (const tab of tabs) await tab.ask("heartbeat", {});
    await until(async () => await lastActive() > 0, { what: "the sign of life" });
    const first = await lastActive();
    assert.ok(Math.abs(first - Date.now() / 1_000) < 60, "unix seconds");
    // As if another process had written it a moment ago: it is left alone.
    await on.fixture.database.query('UPDATE "user" SET last_active_at = $1', [first - 30]);
    const third = await on.start();
    const tab = await on.tab(on.apps.indexOf(third), "ada");
    await tab.ask("heartbeat", {});
    await until(async () => (await on.pool()).size === 3, { what: "all sessions" });
    await third.stop();
    assert.equal(await lastActive(), first - 30);
  },
  both,
);

onEngines("models in use are in the pool that Python reads", async (on) => {
  await on.addUser("ada");
  const tab = await on.tab(0, "ada");
  await tab.ask("usage", { action: "chat", model: "gpt", chat_id: "c" });
  const key = "open-webui:usage_pool";
  await until(async () => (await on.python.hlen(key)) === 1, { what: "the model in use" });
  const used = JSON.parse(await on.python.hget(key, "gpt") ?? "{}");
  assert.deepEqual(Object.keys(used), [tab.socket.id]);
  tab.socket.disconnect();
  await until(async () => (await on.python.hlen(key)) === 0, { what: "the model to be free" });
});

onEngines(
  "what Python revokes ends sessions: by its order at once, by its database and Redis at the next look",
  async (on) => {
    for (const id of ["ada", "bob", "eve"]) await on.addUser(id);
    const ends = new Map<string, string>();
    const tab = async (id: string, at: number) => {
      const made = await on.tab(at, id, { reconnection: false });
      made.socket.on("disconnect", (reason) => ends.set(id, reason));
      return made;
    };
    const [ada] = [await tab("ada", 0), await tab("bob", 1), await tab("eve", 1)];
    await on.control("disconnect", { sid: ada.socket.id });
    await until(() => ends.has("ada"), { what: "ada's end" });
    assert.equal(ends.get("ada"), "io server disconnect");
    await on.fixture.database.query("UPDATE auth SET session_stamp = 'new' WHERE id = 'bob'");
    await on.python.set(
      "open-webui:auth:user:eve:revoked_at",
      String(Math.ceil(Date.now() / 1_000)),
    );
    await on.apps[1]?.sockets.connections.recheck();
    await until(() => ends.size === 3, { what: "the others' end" });
  },
  both,
);

onEngines(
  "events that nobody knows are answered with nothing, encryption with a refusal",
  async (on) => {
    await on.addUser("ada");
    const tab = await on.tab(0, "ada");
    assert.deepEqual(await tab.ask("an:event", { any: 1 }), []);
    assert.deepEqual(await tab.ask("something", 1), []);
    const [answer] = await tab.ask("encryption:status", {});
    assert.equal((answer as { ok: boolean }).ok, false);
    assert.deepEqual(tab.of("error"), []);
  },
);

onEngines("only health, readiness and metrics are answered over HTTP", async (on) => {
  const url = on.apps[0]?.url ?? "";
  const get = async (path: string) => {
    const response = await fetch(url + path);
    return [response.status, await response.text(), response.headers.get("content-type")] as const;
  };
  assert.equal((await get("/health"))[0], 200);
  await until(async () => (await get("/ready"))[0] === 200, { what: "readiness" });
  assert.match((await get("/metrics"))[1], /rt_bridge/);
  for (const path of ["/api/v1/chats", "/api/v1/auths/signin", "/", "/api/config"]) {
    const [status, body, type] = await get(path);
    assert.equal(status, 404, path);
    assert.match(type ?? "", /application\/problem\+json/);
    assert.match(body, /not_found/);
  }
});
