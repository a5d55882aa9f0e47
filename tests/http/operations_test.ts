import assert from "node:assert/strict";
import { operations, type OperationsOptions } from "../../lib/http/operations.ts";

function app(options: Partial<OperationsOptions> = {}) {
  return operations({
    checks: [],
    metrics: { contentType: "text/plain", text: () => Promise.resolve("up 1\n") },
    peerAddress: () => "127.0.0.1",
    ...options,
  });
}

Deno.test("ready names what fails or hangs, and why stays inside", async () => {
  const told: string[] = [];
  const response = await app({
    checkTimeoutMs: 20,
    onChange: (name) => told.push(name),
    checks: [
      { name: "store", check: () => Promise.resolve() },
      { name: "redis", check: () => Promise.reject(new Error("password hunter2")) },
      { name: "bus", check: () => new Promise(() => {}) },
    ],
  }).request("/ready");
  assert.equal(response.status, 503);
  assert.deepEqual(await response.json(), { status: false, failed: ["redis", "bus"] });
  assert.deepEqual(told, ["redis", "bus"]);
  assert.equal((await app().request("/ready")).status, 200);
  assert.equal((await app().request("/health")).status, 200);
});

Deno.test("O8: a check that fails is told once, and once when it holds again", async () => {
  const told: string[] = [];
  let isGood = true;
  const ready = app({
    onChange: (name, thrown) => told.push(`${name}: ${thrown ?? "good"}`),
    checks: [{
      name: "store",
      check: () => isGood ? Promise.resolve() : Promise.reject("away"),
    }],
  });
  for (const now of [true, true, false, false, false, true, true, false]) {
    isGood = now;
    assert.equal((await ready.request("/ready")).status, now ? 200 : 503);
  }
  assert.deepEqual(told, ["store: away", "store: good", "store: away"]);
});

Deno.test("metrics without a token: this machine only, and not through a proxy", async () => {
  assert.equal((await app().request("/metrics")).status, 200);
  const proxied = { headers: { "x-forwarded-for": "127.0.0.1" } };
  assert.equal((await app().request("/metrics", proxied)).status, 403);
  assert.equal((await app({ peerAddress: () => "10.0.0.1" }).request("/metrics")).status, 403);
  assert.equal((await app({ peerAddress: () => undefined }).request("/metrics")).status, 403);
});

Deno.test("X12: a proxy on this machine is known by any of its headers, its host or its HTTP/1.0", async () => {
  const headers = [
    "forwarded",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-envoy-external-address",
    "true-client-ip",
    "cf-connecting-ip",
    "fastly-client-ip",
    "x-original-forwarded-for",
  ];
  for (const name of headers) {
    const answer = await app().request("/metrics", { headers: { [name]: "x" } });
    assert.equal(answer.status, 403, name);
  }
  const asked = async (url: string) => (await app().request(url)).status;
  assert.equal(await asked("http://chat.example/metrics"), 403);
  assert.equal(await asked("http://127.0.0.1.evil.example/metrics"), 403);
  for (const local of ["localhost:8080", "127.0.0.1:8080", "[::1]:8080"]) {
    assert.equal(await asked(`http://${local}/metrics`), 200, local);
  }
  const old = app({ httpVersion: () => "1.0" });
  assert.equal((await old.request("/metrics")).status, 403);
});

Deno.test("metrics with a token: whoever knows it, and nobody else", async () => {
  const guarded = app({ metricsToken: "open sesame", peerAddress: () => "10.0.0.1" });
  const status = async (authorization: string) =>
    (await guarded.request("/metrics", { headers: { authorization } })).status;
  assert.equal(await status("Bearer open sesame"), 200);
  assert.equal(await status("Bearer open"), 403);
  assert.equal((await guarded.request("/metrics")).status, 403);
});
