import assert from "node:assert/strict";
import fc from "fast-check";
import { AppError } from "../../lib/common/errors.ts";
import { silentLogger } from "../../lib/common/logger.ts";
import { parseRedisTarget, type RedisConnectionOptions } from "../../lib/redis/options.ts";

const parse = (options: Partial<RedisConnectionOptions>) =>
  parseRedisTarget({ logger: silentLogger, ...options });

Deno.test("the default address is the local server", () => {
  assert.deepEqual(parse({}), {
    shape: "standalone",
    nodes: [{ host: "127.0.0.1", port: 6379 }],
    service: "127.0.0.1",
    tls: false,
    username: undefined,
    password: undefined,
    db: 0,
  });
});

Deno.test("an address carries credentials, database and TLS", () => {
  const target = parse({ url: "rediss://me:p%40ss@example.org:7000/3" });
  assert.equal(target.tls, true);
  assert.equal(target.username, "me");
  assert.equal(target.password, "p@ss");
  assert.equal(target.db, 3);
  assert.deepEqual(target.nodes, [{ host: "example.org", port: 7000 }]);
});

Deno.test("with sentinels, the address's host names the service", () => {
  const target = parse({
    url: "redis://:secret@cache/1",
    sentinelHosts: ["a", "b:27000", "[::1]:5"],
    sentinelPort: 26_000,
  });
  assert.equal(target.shape, "sentinel");
  assert.equal(target.service, "cache");
  assert.equal(target.db, 1);
  assert.deepEqual(target.nodes, [
    { host: "a", port: 26_000 },
    { host: "b", port: 27_000 },
    { host: "::1", port: 5 },
  ]);
});

Deno.test("python-socketio's form of a Sentinel address is taken", () => {
  const target = parse({ url: "redis+sentinel://me:se%3Acret@a:1,b/2/cache" });
  assert.equal(target.shape, "sentinel");
  assert.equal(target.service, "cache");
  assert.equal(target.username, "me");
  assert.equal(target.password, "se:cret");
  assert.equal(target.db, 2);
  assert.deepEqual(target.nodes, [{ host: "a", port: 1 }, { host: "b", port: 26_379 }]);
});

for (
  const url of [
    "http://host:1",
    "host",
    "redis://host:1/two",
    "redis+sentinel://:99999999/0",
    "redis+sentinel://a:99999/0",
  ]
) {
  Deno.test(`an address that leads nowhere is refused: ${url}`, () => {
    assert.throws(
      () => parse({ url }),
      (error) => error instanceof AppError && error.code === "invalid_payload",
    );
  });
}

Deno.test("a cluster has no second database", () => {
  assert.throws(() => parse({ url: "redis://host/1", cluster: true }), /database 0/);
});

Deno.test("a refusal never repeats the password", () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z0-9]{8,20}$/), fc.string(), (password, rest) => {
      try {
        parse({ url: `redis+sentinel://:${password}@${rest}` });
      } catch (error) {
        assert.ok(error instanceof Error);
        assert.ok(!error.message.includes(password));
      }
    }),
  );
});
