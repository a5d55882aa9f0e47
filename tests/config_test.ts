import assert from "node:assert/strict";
import fc from "fast-check";
import { ConfigError, describeConfig, loadConfig } from "../lib/config.ts";
import { RETIRED_VARIABLES, type Variable, VARIABLES } from "../lib/config/variables.ts";

const table = Object.values<Variable<unknown>>(VARIABLES);

function load(env: Record<string, string>) {
  return loadConfig((name) => env[name]);
}

function faultsOf(env: Record<string, string>): readonly string[] {
  try {
    load(env);
  } catch (thrown) {
    if (thrown instanceof ConfigError) return thrown.faults;
    throw thrown;
  }
  return [];
}

Deno.test("nothing set: the defaults, frozen", () => {
  const config = load({});
  assert.equal(config.port, 8080);
  assert.equal(config.manager, "kv");
  assert.equal(config.transports, "websocket");
  assert.equal(config.pingTimeoutMs, 20_000);
  assert.equal(config.jwtExpiresInMs, 4 * 7 * 86_400_000);
  assert.equal(config.kvPath, "./data/webui-realtime.kv");
  assert.equal(config.logFormat, "json");
  assert.deepEqual(config.corsAllowOrigin, []);
  assert.ok(Object.isFrozen(config));
  assert.deepEqual(config.warnings, []);
});

Deno.test("every documented default reads as when nothing is set", () => {
  const written = table.flatMap(({ name, defaultText }) =>
    defaultText ? [[name, defaultText]] : []
  );
  assert.deepEqual(load(Object.fromEntries(written)), load({}));
});

Deno.test("an empty variable is not set", () => {
  assert.deepEqual(load(Object.fromEntries(table.map(({ name }) => [name, " "]))), load({}));
});

Deno.test("all faults come at once, each with name, value and what is allowed", () => {
  const faults = faultsOf({ PORT: "http", LOG_LEVEL: "loud", JWT_EXPIRES_IN: "soon" });
  assert.equal(faults.length, 3);
  assert.equal(faults[0], 'PORT: "http"; allowed: a whole number from 0 to 65535');
  assert.match(faults.join("\n"), /JWT_EXPIRES_IN: "soon"; allowed: .*LOG_LEVEL: "loud"/s);
});

Deno.test("a secret is in no fault and in no description", () => {
  const secret = "hunter2-hunter2-hunter2";
  const [fault = ""] = faultsOf({ REDIS_URL: `http://:${secret}@redis` });
  assert.match(fault, /^REDIS_URL: \(secret\); allowed: /);
  assert.ok(!faultsOf({ OPENAI_API_BASE_URL: `ftp://me:${secret}@x` }).join().includes(secret));
  const config = load({
    WEBUI_SECRET_KEY: secret,
    WEBSOCKET_REDIS_URL: `redis://:${secret}@redis`,
    OPENAI_API_KEY: secret,
    METRICS_TOKEN: secret,
    OPENAI_API_BASE_URL: `https://me:${secret}@x/v1`,
  });
  assert.ok(!JSON.stringify(describeConfig(config)).includes(secret));
});

Deno.test("the real-time layer's Redis falls back to the shared one", () => {
  const config = load({
    WEBSOCKET_MANAGER: "redis",
    REDIS_URL: "redis://shared/1",
    REDIS_SENTINEL_HOSTS: "a, b:2",
    REDIS_SENTINEL_PORT: "26400",
  });
  assert.equal(config.redisUrl, "redis://shared/1");
  assert.deepEqual(config.sentinelHosts, ["a", "b:2"]);
  assert.equal(config.sentinelPort, 26_400);
  assert.equal(
    load({ WEBSOCKET_REDIS_URL: "redis://own", REDIS_URL: "redis://shared" }).redisUrl,
    "redis://own",
  );
  assert.equal(faultsOf({ REDIS_URL: "nonsense" }).length, 1);
});

Deno.test("Open WebUI's spellings are read", () => {
  assert.equal(load({ ENABLE_WEBSOCKET_SUPPORT: "False" }).transports, "polling");
  assert.equal(load({ ENABLE_WEBSOCKET_SUPPORT: "both" }).transports, "both");
  assert.equal(load({ WEBSOCKET_MANAGER: "None" }).manager, "kv");
  assert.equal(load({ JWT_EXPIRES_IN: "-1" }).jwtExpiresInMs, null);
  assert.equal(load({ JWT_EXPIRES_IN: "1h30m" }).jwtExpiresInMs, 5_400_000);
  assert.equal(load({ CORS_ALLOW_ORIGIN: "*" }).corsAllowOrigin, "*");
  assert.deepEqual(load({ CORS_ALLOW_ORIGIN: "https://a.example;http://b:1/" }).corsAllowOrigin, [
    "https://a.example",
    "http://b:1",
  ]);
});

Deno.test("what contradicts itself is refused", () => {
  const cases: [Record<string, string>, RegExp][] = [
    [{ WEBSOCKET_MANAGER: "redis" }, /^WEBSOCKET_MANAGER: /],
    [
      {
        WEBSOCKET_MANAGER: "redis",
        WEBSOCKET_SENTINEL_HOSTS: "a",
        WEBSOCKET_REDIS_CLUSTER: "true",
      },
      /^WEBSOCKET_REDIS_CLUSTER: /,
    ],
    [{ SEND_BUFFER_LIMIT: "9000000" }, /^SEND_BUFFER_LIMIT: 9000000; .*10000000/],
    [{ SESSION_TIMEOUT: "30" }, /^SESSION_TIMEOUT: 30; /],
  ];
  for (const [env, expected] of cases) {
    const faults = faultsOf(env);
    assert.equal(faults.length, 1);
    assert.match(faults[0] ?? "", expected);
  }
});

Deno.test("what is only doubtful is a warning", () => {
  assert.match(load({ WEBUI_SECRET_KEY: "short" }).warnings[0] ?? "", /^WEBUI_SECRET_KEY/);
  assert.equal(load({ WEBSOCKET_SERVER_PING_TIMEOUT: "60" }).warnings.length, 1);
});

Deno.test("a variable that is no more is told, whatever its value, and ends nothing", () => {
  const [warning, ...others] = load({ WEBSOCKET_ENGINE: "native" }).warnings;
  assert.match(warning ?? "", /^WEBSOCKET_ENGINE has no effect any more: .*remove the variable$/);
  assert.deepEqual(others, []);
  assert.equal(load({ WEBSOCKET_ENGINE: "whatever" }).warnings.length, 1);
});

Deno.test("on Deno Deploy the platform's own database, unless a path is set", () => {
  assert.equal(load({ DENO_DEPLOYMENT_ID: "d" }).kvPath, undefined);
  assert.equal(load({ DENO_DEPLOYMENT_ID: "d", DENO_KV_PATH: ":memory:" }).kvPath, ":memory:");
});

Deno.test("whatever stands in the environment: a Config or a ConfigError", () => {
  const value = fc.oneof(
    fc.string(),
    fc.string({ unit: "binary" }),
    fc.webUrl(),
    fc.integer().map(String),
    fc.double().map(String),
    fc.constantFrom("true", "redis", "1h", "-1", "*", "https://[", "a:b@c", "1e9", "0x10"),
  );
  const env = fc.dictionary(fc.constantFrom(...table.map(({ name }) => name)), value);
  fc.assert(
    fc.property(env, (set) => {
      try {
        assert.ok(Object.isFrozen(load(set)));
      } catch (thrown) {
        assert.ok(thrown instanceof ConfigError, String(thrown));
        assert.ok(thrown.faults.length > 0);
      }
    }),
    { numRuns: 500 },
  );
});

Deno.test("the start permission names every variable, and no other", async () => {
  const settings = JSON.parse(await Deno.readTextFile(new URL("../deno.json", import.meta.url)));
  const { allow, ignore } = settings.permissions.start.env;
  const names = new Set([
    ...table.flatMap(({ name, fallback }) => fallback === undefined ? [name] : [name, fallback]),
    ...Object.keys(RETIRED_VARIABLES),
  ]);
  assert.deepEqual([...allow].sort(), [...names].sort(), "run: deno task docs");
  assert.equal(ignore, true);
});

Deno.test("INSTANCES says what several processes need", () => {
  const faultsOf = (env: Record<string, string>) => {
    try {
      loadConfig((name) => ({ INSTANCES: "2", ...env })[name]);
      return "";
    } catch (thrown) {
      return String(thrown);
    }
  };
  const redis = { WEBSOCKET_MANAGER: "redis", WEBSOCKET_REDIS_URL: "redis://localhost" };
  assert.match(faultsOf({}), /INSTANCES: .*WEBSOCKET_MANAGER="redis" or DENO_KV_PATH/);
  assert.match(faultsOf({ ...redis, PORT: "0" }), /INSTANCES: .*PORT/);
  assert.match(faultsOf({ ...redis, ENABLE_WEBSOCKET_SUPPORT: "both" }), /INSTANCES: .*polling/);
  assert.equal(faultsOf(redis), "");
  assert.equal(faultsOf({ ...redis, INSTANCES: "auto" }), "");
  assert.equal(faultsOf({ DENO_KV_PATH: "https://kv.example.org" }), "");
  assert.equal(faultsOf({ INSTANCES: "1" }), "");
});
