import assert from "node:assert/strict";
import { AppError, errorText } from "../../lib/common/errors.ts";
import { openRedis, type RedisConnectionOptions } from "../../lib/redis/connection.ts";
import { openRedisStore } from "../../lib/state/redis_store.ts";
import { keepingLogger } from "../support/log_lines.ts";
import { opensslAvailable, redisAvailable, RedisServer } from "../support/redis_servers.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { until } from "../support/until.ts";

const ignore = !redisAvailable();
const test = (name: string, fn: () => Promise<void>) => Deno.test({ name, ignore, fn });

function store(port: number, more: Partial<RedisConnectionOptions> = {}) {
  const { logger, lines } = keepingLogger();
  const opened = openRedisStore({
    url: `redis://127.0.0.1:${port}/0`,
    logger,
    commandTimeoutMs: 5_000,
    heartbeatMs: 200,
    ...more,
  });
  return { opened, lines };
}

const unavailable = (error: unknown) => error instanceof AppError && error.code === "unavailable";

/** Messages of this level, without what the lines carry beside them. */
function messages(lines: string[], ...levels: string[]): string[] {
  return lines.map((line) => JSON.parse(line))
    .filter(({ level, link }) => levels.includes(level) && link !== undefined)
    .map(({ message, link }) => `${message} (${link})`);
}

test("S8: the connections that Redis has received stay flat under load", async () => {
  await using server = await RedisServer.start();
  await using proxy = new TcpProxy(server.port);
  await using state = await store(proxy.port).opened;
  const atFirst = proxy.accepted;
  assert.equal(atFirst, 1);
  for (let round = 0; round < 20; round++) {
    await Promise.all(Array.from({ length: 100 }, async (_, i) => {
      await state.values.set(["value", String(i)], i);
      await state.dictionary<number>(["pool"]).update("n", (n) => (n ?? 0) + 1);
      await using _lease = await state.acquire(["lock", String(i)], { ttlMs: 1_000 });
    }));
  }
  assert.equal(await state.dictionary<number>(["pool"]).get("n"), 2_000);
  assert.equal(proxy.accepted, atFirst);
  assert.equal(await server.info("connected_clients"), "2", "one of the store, one that asks");
});

test("what is sent together is one round trip", async () => {
  await using server = await RedisServer.start();
  await using state = await store(server.port).opened;
  await state.ping(1_000);
  const before = state.stats().roundTrips;
  await state.values.getMany(Array.from({ length: 500 }, (_, i) => ["value", String(i)]));
  assert.equal(state.stats().roundTrips - before, 1);
});

test("a lost connection is back, and says so once", async () => {
  await using server = await RedisServer.start();
  await using proxy = new TcpProxy(server.port);
  const { opened, lines } = store(proxy.port);
  await using state = await opened;
  await state.values.set(["key"], 1);
  proxy.cut();
  await until(() => messages(lines, "warn").length === 1, { what: "the connection to be lost" });
  const read = state.values.get(["key"]);
  proxy.heal();
  assert.equal(await read, 1, "a command given meanwhile is answered");
  await until(() => messages(lines, "info").length === 2, { what: "the connection to be back" });
  assert.deepEqual(messages(lines, "info", "warn").toSorted(), [
    "redis: connected (commands)",
    "redis: connection is back (commands)",
    "redis: connection lost (commands)",
  ]);
});

test("commands in flight when the connection is cut reach their caller", async () => {
  await using server = await RedisServer.start();
  await using proxy = new TcpProxy(server.port);
  await using state = await store(proxy.port).opened;
  const log = state.updateLog(["log"]);
  const writes: Promise<unknown>[] = [];
  for (let i = 0; i < 300; i++) {
    writes.push(log.append(Uint8Array.of(i >> 8, i & 255)));
    writes.push(state.dictionary<number>(["sum"]).update("n", (n) => (n ?? 0) + 1));
    if (i % 100 === 50) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      proxy.cut();
      proxy.heal();
    }
  }
  await Promise.all(writes);
  const kept = new Set((await log.read()).map(([high = 0, low = 0]) => high * 256 + low));
  assert.equal(kept.size, 300, "no update is lost");
  assert.equal(await state.dictionary<number>(["sum"]).get("n"), 300, "each change counts once");
});

test("S9: answers seconds late end in time-outs, and later ones are unaffected", async () => {
  await using server = await RedisServer.start();
  await using proxy = new TcpProxy(server.port);
  await using slow = await store(proxy.port, { commandTimeoutMs: 1_000 }).opened;
  await using fast = await store(server.port).opened;
  proxy.delayMs = 3_000;
  let isOver = false;
  const late = Promise.allSettled([slow.values.get(["a"]), slow.ping(150)])
    .finally(() => isOver = true);
  let answered = 0;
  while (!isOver) {
    await fast.values.get(["a"]);
    answered++;
  }
  for (const result of await late) {
    assert.ok(result.status === "rejected" && unavailable(result.reason));
  }
  assert.ok(answered > 10, `the other store answered ${answered} times meanwhile`);
  proxy.delayMs = 0;
  await until(() => slow.values.get(["a"]).then(() => true, () => false), { what: "an answer" });
});

test("S6: closing does not wait for a Redis that is gone or silent", async () => {
  await using server = await RedisServer.start();
  const state = await store(server.port).opened;
  const lease = await state.acquire(["lock"], { ttlMs: 60_000 });
  server.pause();
  const waiting = assert.rejects(state.values.get(["key"]), unavailable);
  await state[Symbol.asyncDispose]();
  await lease?.[Symbol.asyncDispose]();
  await waiting;
  await assert.rejects(state.values.get(["key"]), unavailable);
});

test("a restart takes the scripts away, and they are sent again", async () => {
  await using server = await RedisServer.start();
  await using state = await store(server.port).opened;
  const set = state.memberSet(["members"]);
  await set.add("a");
  await server.restart();
  assert.equal(await set.add("a"), 1, "nothing is left after the restart");
  await server.command("SCRIPT", "FLUSH");
  assert.deepEqual(await set.remove("a"), { removed: 1, left: 0 });
});

test("while Redis is away, callers are refused in time and none is queued for ever", async () => {
  await using server = await RedisServer.start();
  await using state = await store(server.port, { commandTimeoutMs: 1_000, maxRetryCount: 1 })
    .opened;
  await server.kill();
  await assert.rejects(state.values.get(["key"]), unavailable);
  let isLate = false;
  const timer = setTimeout(() => isLate = true, 900);
  await assert.rejects(state.values.get(["key"]), unavailable);
  clearTimeout(timer);
  assert.ok(!isLate, "a long outage is waited for again");
  const refused = await Promise.allSettled(
    Array.from({ length: 1_000 }, () => state.values.get(["key"])),
  );
  assert.ok(refused.every((result) => result.status === "rejected" && unavailable(result.reason)));
  await server.restart();
  await until(() => state.values.get(["key"]).then(() => true, () => false), {
    what: "the connection to be back",
  });
});

test("a Redis that is not there is reported when the store is opened", async () => {
  await using server = await RedisServer.start();
  await server.kill();
  const { opened } = store(server.port, { connectTimeoutMs: 200 });
  await assert.rejects(opened, unavailable);
});

test("an answer READONLY leads to a new connection and a second try", async () => {
  await using server = await RedisServer.start();
  await using master = await RedisServer.start();
  const { opened, lines } = store(server.port);
  await using state = await opened;
  await server.command("REPLICAOF", "127.0.0.1", String(master.port));
  await until(async () => await server.info("master_link_status") === "up", {
    what: "the server to become a replica",
  });
  const write = state.values.set(["key"], 1);
  await until(() => messages(lines, "warn").includes("redis: connection lost (commands)"), {
    what: "the connection to be left",
  });
  await server.command("REPLICAOF", "NO", "ONE");
  await write;
  assert.equal(await server.command("GET", "open-webui:key"), "1");
});

test("a password opens the door, a wrong one does not, and neither is logged", async () => {
  const cli = ["-a", "correct-horse", "--no-auth-warning"];
  await using server = await RedisServer.start(["--requirepass", "correct-horse"], { cli });
  await server.command("ACL", "SETUSER", "rt", "on", ">staple-battery", "~*", "&*", "+@all");
  const { logger, lines } = keepingLogger();
  const at = (credentials: string) => ({
    url: `redis://${credentials}@127.0.0.1:${server.port}/0`,
    logger,
    connectTimeoutMs: 2_000,
  });
  for (const credentials of [":correct-horse", "rt:staple-battery"]) {
    await using state = await openRedisStore(at(credentials));
    await state.values.set(["key"], 1);
  }
  for (const credentials of [":wrong-donkey", "rt:correct-horse"]) {
    await assert.rejects(openRedisStore(at(credentials)), (error) => {
      assert.ok(unavailable(error) && error instanceof AppError);
      assert.match(String(error.cause), /WRONGPASS/);
      return true;
    });
  }
  for (const secret of ["correct-horse", "staple-battery", "wrong-donkey"]) {
    assert.ok(!lines.some((line) => line.includes(secret)));
  }
});

test("O16: of a master that has become a replica every command says so, whichever of them was told", async () => {
  await using server = await RedisServer.start();
  await using state = await store(server.port, { maxRetryCount: 0 }).opened;
  await server.command("REPLICAOF", "127.0.0.1", "1");
  const causes = new Set<string>();
  const until = performance.now() + 1_500;
  const write = async (n: number) => {
    while (performance.now() < until) {
      const done = n === 0 ? state.ping(1_000) : state.values.set(["value", String(n)], n);
      await done.then(() => causes.add("none"), (thrown) => {
        if (n === 0) causes.add(errorText(thrown));
      });
    }
  };
  await Promise.all([0, 1, 2, 3, 4].map(write));
  assert.ok(causes.size > 0);
  for (const cause of causes) assert.match(cause, /READONLY/);
});

Deno.test({
  name: "rediss:// speaks TLS and checks the certificate",
  ignore: ignore || !opensslAvailable(),
  async fn() {
    const directory = await Deno.makeTempDir();
    try {
      const [key, cert] = [`${directory}/key.pem`, `${directory}/cert.pem`];
      const { success } = await new Deno.Command("openssl", {
        args: ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
          .concat(["-nodes", "-days", "2", "-subj", "/CN=localhost", "-keyout", key, "-out", cert])
          .concat(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"])
          .concat(["-addext", "basicConstraints=critical,CA:FALSE"]),
        stdout: "null",
        stderr: "null",
      }).output();
      assert.ok(success);
      await using plain = await RedisServer.start();
      await using server = await RedisServer.start();
      // TLS sits on a port of its own, so that the plain one stays for the test's own questions.
      const tlsPort = plain.port;
      await plain.kill();
      const set = ["tls-auth-clients", "no", "tls-ca-cert-file", cert, "tls-cert-file", cert];
      await server.command("CONFIG", "SET", ...set, "tls-key-file", key);
      await server.command("CONFIG", "SET", "tls-port", String(tlsPort));
      const { logger } = keepingLogger();
      const url = `rediss://localhost:${tlsPort}/0`;
      const tlsCa = await Deno.readTextFile(cert);
      {
        await using state = await openRedisStore({ url, logger, tlsCa });
        await state.values.set(["key"], "safe");
        assert.equal(await server.command("GET", "open-webui:key"), "safe");
      }
      await assert.rejects(
        openRedisStore({ url, logger, connectTimeoutMs: 300 }),
        unavailable,
        "a certificate that nobody vouches for is refused",
      );
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  },
});

test("a refused command is the server's fault to see, not the client's", async () => {
  await using server = await RedisServer.start();
  const { logger } = keepingLogger();
  await using redis = await openRedis({ url: server.url, logger });
  await redis.run((client) => client.lpush("list", "x"));
  await assert.rejects(
    redis.run((client) => client.get("list")),
    (error) => error instanceof AppError && error.code === "internal",
  );
});

test("what waits for Redis is bounded: whoever comes too late is refused at once", async () => {
  await using server = await RedisServer.start();
  const { logger } = keepingLogger();
  await using redis = await openRedis({ url: server.url, logger, commandTimeoutMs: 2_000 });
  server.pause();
  const waiting = Array.from({ length: 20_000 }, () => redis.run((client) => client.get("key")));
  await assert.rejects(redis.run((client) => client.get("key")), unavailable);
  server.resume();
  assert.equal((await Promise.allSettled(waiting)).length, 20_000);
  assert.equal(await redis.run((client) => client.get("key")), null, "and then there is room");
});
