import assert from "node:assert/strict";
import { Hono } from "hono";
import { silentLogger } from "../../lib/common/logger.ts";
import { createHttpApp } from "../../lib/http/http_app.ts";
import type { HttpEnv } from "../../lib/http/http_env.ts";
import { writeLimits } from "../../lib/http/write_limits.ts";

function appFor(limits: { writesPerSecond: number; bytesPerSecond: number }) {
  const app = createHttpApp({ allowedOrigins: [], logger: silentLogger });
  app.use(async (c, next) => {
    c.set("user", { id: c.req.header("x-user") ?? "" } as HttpEnv["Variables"]["user"]);
    await next();
  });
  app.use(writeLimits(limits));
  app.route("/", new Hono<HttpEnv>().all("/thing", (c) => c.json(true)));
  return (method: string, user: string, body = "") =>
    app.request("/thing", {
      method,
      headers: { "x-user": user, "content-length": String(body.length) },
      ...(body && { body }),
    });
}

Deno.test("X7: who writes too often, or too much, waits; reading and others go on", async () => {
  for (
    const [limits, body, name] of [
      [{ writesPerSecond: 1, bytesPerSecond: 1e9 }, "", "QUOTA_WRITES_PER_SECOND"],
      [
        { writesPerSecond: 1e6, bytesPerSecond: 1_000 },
        "x".repeat(1_000),
        "QUOTA_WRITE_BYTES_PER_SECOND",
      ],
    ] as const
  ) {
    const ask = appFor(limits);
    for (let at = 0; at < 20; at++) assert.equal((await ask("POST", "ada", body)).status, 200);
    // What time gives back meanwhile may be taken, too.
    let refused = await ask("POST", "ada", body);
    for (let at = 0; at < 50 && refused.status === 200; at++) {
      refused = await ask("POST", "ada", body);
    }
    assert.equal(refused.status, 429);
    assert.ok(Number(refused.headers.get("retry-after")) > 0);
    const { code, detail } = await refused.json();
    assert.equal(code, "rate_limited");
    assert.ok(detail.startsWith(name), detail);
    assert.equal((await ask("GET", "ada")).status, 200);
    assert.equal((await ask("POST", "bob", body)).status, 200);
  }
});
