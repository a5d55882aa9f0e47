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
    onFailure: (name) => told.push(name),
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

Deno.test("metrics without a token: this machine only, and not through a proxy", async () => {
  assert.equal((await app().request("/metrics")).status, 200);
  const proxied = { headers: { "x-forwarded-for": "127.0.0.1" } };
  assert.equal((await app().request("/metrics", proxied)).status, 403);
  assert.equal((await app({ peerAddress: () => "10.0.0.1" }).request("/metrics")).status, 403);
  assert.equal((await app({ peerAddress: () => undefined }).request("/metrics")).status, 403);
});

Deno.test("metrics with a token: whoever knows it, and nobody else", async () => {
  const guarded = app({ metricsToken: "open sesame", peerAddress: () => "10.0.0.1" });
  const status = async (authorization: string) =>
    (await guarded.request("/metrics", { headers: { authorization } })).status;
  assert.equal(await status("Bearer open sesame"), 200);
  assert.equal(await status("Bearer open"), 403);
  assert.equal((await guarded.request("/metrics")).status, 403);
});
