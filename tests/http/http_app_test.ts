import assert from "node:assert/strict";
import fc from "fast-check";
import * as v from "valibot";
import { createHttpApp, nodeListener } from "../../lib/http/http_app.ts";
import { readJson } from "../../lib/http/json_body.ts";
import { AppError } from "../../lib/common/errors.ts";
import { silentLogger } from "../../lib/common/logger.ts";
import { keepingLogger } from "../support/log_lines.ts";
import { signUp, startServer } from "../support/server.ts";
import { until } from "../support/until.ts";
import { listen, openApi, PASSWORD, post, refusal } from "./fixture.ts";

const seed = Math.floor(Math.random() * 2 ** 31);

/** An app with one route that reads a body of 1,000 bytes at most, in a second. */
async function openEcho() {
  const { logger, lines } = keepingLogger();
  const app = createHttpApp({ allowedOrigins: [], logger });
  const answers: number[] = [];
  app.use(async (c, next) => {
    await next();
    answers.push(c.res.status);
  });
  app.post(
    "/echo",
    async (c) => c.json(await readJson(c, v.unknown(), { maxBytes: 1_000, timeoutMs: 1_000 })),
  );
  return { lines, answers, ...await listen(nodeListener(app)) };
}

/** Writes bytes of one's own, and reads all that comes until the server ends the connection. */
async function wire(port: number) {
  const conn = await Deno.connect({ hostname: "127.0.0.1", port });
  const encoder = new TextEncoder();
  const decoder = new TextDecoder();
  const seen = { text: "", ended: false };
  const reading = (async () => {
    try {
      for await (const chunk of conn.readable) seen.text += decoder.decode(chunk);
    } catch {
      // A connection that was reset has ended, too.
    }
    seen.ended = true;
  })();
  const writer = conn.writable.getWriter();
  return {
    seen,
    write: (text: string) => writer.write(encoder.encode(text)).then(() => true, () => false),
    async [Symbol.asyncDispose]() {
      await writer.abort().catch(() => {});
      try {
        conn.close();
      } catch {
        // Both halves have been closed by their streams.
      }
      await reading;
    },
  };
}

const HEAD = "POST /echo HTTP/1.1\r\nHost: localhost\r\n";
const CHUNKED = `${HEAD}Transfer-Encoding: chunked\r\n\r\n`;

Deno.test("JSON is taken whatever the content type, and what is no JSON is refused", async () => {
  await using echo = await openEcho();
  const types = ["application/json", "text/plain", "application/x-www-form-urlencoded", "", "x"];
  for (const type of types) {
    const answer = await post(`${echo.url}/echo`, '{"ä":[1]}', { "content-type": type });
    assert.deepEqual(await answer.json(), { ä: [1] }, type);
  }
  for (const body of ["", "{", "{'a':1}", "undefined", "\u0000", "a=b", "[1,]"]) {
    const answer = await post(`${echo.url}/echo`, body);
    const { detail } = await refusal(answer, 400, "invalid_payload");
    assert.equal(detail, "The body is no JSON.");
  }
});

Deno.test("what is nested deeply is refused before anything walks it", async () => {
  const app = createHttpApp({ allowedOrigins: [], logger: silentLogger });
  app.post("/deep", async (c) => c.json(await readJson(c, v.unknown())));
  await using server = await listen(nodeListener(app));
  for (const [open, close] of [["[", "]"], ['{"a":', "}"]] as const) {
    const nested = (depth: number) => open.repeat(depth) + "1" + close.repeat(depth);
    const good = await post(`${server.url}/deep`, nested(256));
    assert.equal(await good.text(), nested(256));
    for (const depth of [257, 10_000, 1_000_000]) {
      await refusal(await post(`${server.url}/deep`, nested(depth)), 400, "invalid_payload");
    }
  }
});

Deno.test("a wrong method is 405 with what is allowed; an address that is none stays 404", async () => {
  const app = createHttpApp({ allowedOrigins: [], logger: silentLogger });
  app.use("/things/*", (_c, next) => next());
  app.get("/things/:id", (c) => c.text("thing"));
  app.post("/things/:id", (c) => c.text("made"));
  app.delete("/things/all", (c) => c.text("gone"));
  const ask = (method: string, path: string) => app.request(path, { method });
  const wrong = await ask("PUT", "/things/1");
  assert.equal(wrong.headers.get("allow"), "GET, HEAD, POST");
  await refusal(wrong, 405, "method_not_allowed");
  const slash = await ask("PATCH", "/things/all/");
  assert.equal(slash.headers.get("allow"), "DELETE, GET, HEAD, POST");
  await refusal(slash, 405, "method_not_allowed");
  await refusal(await ask("PUT", "/things"), 404, "not_found");
  await refusal(await ask("GET", "/nothing"), 404, "not_found");
  assert.equal((await ask("HEAD", "/things/1")).status, 200);
});

Deno.test("every route of the client's reference is served, by its method", async () => {
  const reference = await Deno.readTextFile(new URL("../../docs/api.md", import.meta.url));
  const routes = [...reference.matchAll(/`(GET|POST|DELETE) (\/[^\s`]*)`/g)];
  assert.ok(routes.length > 60, `only ${routes.length} routes were found`);
  await using app = await startServer({ QUOTA_WRITES_PER_SECOND: "1000" });
  const admin = await signUp(app.url);
  for (const [, method = "", path = ""] of routes) {
    // Refused before anything is done, with the methods that the address has.
    const asked = await admin.call("PATCH", path.replaceAll(/\{\w+\}/g, "x"));
    await asked.body?.cancel();
    assert.equal(asked.status, 405, path);
    assert.ok(asked.headers.get("allow")?.split(", ").includes(method), `${method} ${path}`);
  }
});

Deno.test("O11: a health check by HTTP/1.0 without Host is answered; HTTP/1.1 must have one", async () => {
  await using app = await startServer();
  const { port } = new URL(app.url);
  const statusOf = async (request: string) => {
    await using client = await wire(Number(port));
    await client.write(request);
    await until(() => client.seen.text.includes("\r\n\r\n"), { what: "the answer" });
    return client.seen.text.split("\r\n", 1)[0]?.split(" ")[1];
  };
  assert.equal(await statusOf("GET /health HTTP/1.0\r\n\r\n"), "200");
  assert.equal(await statusOf("OPTIONS /health HTTP/1.0\r\n\r\n"), "405");
  assert.equal(await statusOf("GET /health HTTP/1.1\r\n\r\n"), "400");
});

Deno.test("a body is cut at its limit, announced or not", async () => {
  await using echo = await openEcho();
  await refusal(await post(`${echo.url}/echo`, "1".repeat(1_001)), 413, "too_large");
  {
    await using announced = await wire(echo.port);
    await announced.write(`${HEAD}Content-Length: 900000000\r\n\r\n[`);
    await until(() => announced.seen.text.includes("413"), { what: "the refusal" });
    await until(() => announced.seen.ended, { what: "the end of the connection" });
  }
  await using chunked = await wire(echo.port);
  await chunked.write(CHUNKED);
  for (let sent = 0; sent < 11; sent++) await chunked.write(`64\r\n${"1".repeat(100)}\r\n`);
  await until(() => chunked.seen.text.includes("too_large"), { what: "the refusal" });
  assert.match(chunked.seen.text, /^HTTP\/1.1 413 /);
  await until(() => chunked.seen.ended, { what: "the end of the connection" });
});

Deno.test("a body that drips is cut off in time, with 408", async () => {
  await using echo = await openEcho();
  await using slow = await wire(echo.port);
  await slow.write(CHUNKED);
  const begun = performance.now();
  const isCutOff = async () => {
    // What is written to a closed socket takes the answer away with it.
    if (slow.seen.text === "") await slow.write("1\r\n[\r\n");
    return slow.seen.ended;
  };
  await until(isCutOff, { what: "the end of the connection", everyMs: 20 });
  assert.ok(performance.now() - begun >= 990);
  assert.match(slow.seen.text, /^HTTP\/1.1 408 /);
  assert.match(slow.seen.text, /connection: close/i);
  assert.match(slow.seen.text, /"code":"request_timeout"/);
  assert.equal(echo.lines.length, 0, "what a client does wrong is no failure of ours");
});

Deno.test("who hangs up in the middle of a body leaves no failure behind", async () => {
  await using echo = await openEcho();
  {
    await using gone = await wire(echo.port);
    await gone.write(`${HEAD}Content-Length: 100\r\nExpect: 100-continue\r\n\r\n[`);
    await until(() => gone.seen.text.includes("100 Continue"), { what: "the server's reading" });
  }
  await until(() => echo.answers.length > 0, { what: "the end of the request" });
  assert.deepEqual(echo.answers, [400]);
  const alive = await post(`${echo.url}/echo`, "1");
  assert.equal(await alive.text(), "1");
  assert.equal(echo.lines.length, 0);
});

Deno.test("unknown paths and methods are problems; HEAD answers like GET without a body", async () => {
  await using app = await startServer();
  const ada = await signUp(app.url);
  await refusal(await fetch(`${app.url}/nothing`), 404, "not_found");
  await refusal(await fetch(`${app.url}/api/nothing`), 401, "unauthenticated");
  await refusal(await ada.call("GET", "/api/nothing"), 404, "not_found");
  await refusal(await ada.call("PUT", "/api/v1/chats/new"), 405, "method_not_allowed");
  await refusal(await ada.call("DELETE", "/api/v1/auths/"), 405, "method_not_allowed");
  await refusal(await fetch(`${app.url}/api/v1/auths/signin`), 401, "unauthenticated");
  await refusal(await ada.call("OPTIONS", "/api/v1/chats/new"), 405, "method_not_allowed");
  for (const path of ["/health", "/api/v1/auths/"]) {
    const head = await ada.call("HEAD", path);
    assert.deepEqual([head.status, await head.text()], [200, ""], path);
  }
});

Deno.test("every answer carries the headers that keep browsers careful", async () => {
  await using app = await startServer();
  for (const path of ["/health", "/nothing", "/api/v1/chats/"]) {
    const { headers, body } = await fetch(app.url + path);
    await body?.cancel();
    assert.equal(headers.get("x-content-type-options"), "nosniff");
    assert.equal(headers.get("x-frame-options"), "SAMEORIGIN");
    assert.equal(headers.get("referrer-policy"), "no-referrer");
    assert.match(headers.get("strict-transport-security") ?? "", /max-age=\d+/);
    assert.equal(headers.get("x-powered-by"), null);
    assert.equal(headers.get("access-control-allow-origin"), null);
  }
});

Deno.test("A2: a page of another origin reads answers where CORS_ALLOW_ORIGIN names it", async () => {
  const chat = "https://chat.example.com";
  const table: [string | undefined, string, string | null][] = [
    [undefined, chat, null],
    [chat, chat, chat],
    [chat, "https://evil.example.com", null],
    [chat, "http://chat.example.com", null],
    [chat, "https://chat.example.com.evil.org", null],
    [chat, "null", null],
    [`${chat};https://b.example.com`, "https://b.example.com", "https://b.example.com"],
    ["*", "https://evil.example.com", "*"],
  ];
  for (const [allowed, origin, expected] of table) {
    await using app = await startServer(
      allowed === undefined ? {} : { CORS_ALLOW_ORIGIN: allowed },
    );
    const what = `${allowed} ${origin}`;
    const simple = await fetch(`${app.url}/api/v1/chats/`, { headers: { origin } });
    assert.equal(simple.headers.get("access-control-allow-origin"), expected, what);
    assert.equal(simple.headers.get("access-control-allow-credentials"), null);
    await simple.body?.cancel();
    const preflight = await fetch(`${app.url}/api/v1/chats/new`, {
      method: "OPTIONS",
      headers: {
        origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization",
      },
    });
    await preflight.body?.cancel();
    assert.equal(preflight.headers.get("access-control-allow-origin"), expected, what);
    if (expected === null) continue;
    assert.equal(preflight.status, 204);
    assert.match(preflight.headers.get("access-control-allow-headers") ?? "", /authorization/);
    assert.match(simple.headers.get("access-control-expose-headers") ?? "", /x-next-cursor/);
    if (expected !== "*") assert.match(simple.headers.get("vary") ?? "", /origin/i);
  }
});

Deno.test("what fails inside is answered without a word of it, and logged", async () => {
  const { logger, lines } = keepingLogger();
  await using api = await openApi({
    logger,
    extend: (app) => {
      app.get("/fails", () => {
        throw new TypeError("secret of the house at /srv/house.ts:12");
      });
      app.get("/away", () => {
        throw new AppError("unavailable", "Try again.", {
          retryAfterMs: 1_200,
          cause: new Error("secret of the house"),
        });
      });
    },
  });
  const { detail } = await refusal(await fetch(`${api.url}/fails`), 500, "internal");
  assert.doesNotMatch(detail, /secret/);
  const away = await fetch(`${api.url}/away`);
  assert.equal(away.headers.get("retry-after"), "2");
  assert.equal((await refusal(away, 503, "unavailable")).detail, "Try again.");
  assert.equal(lines.length, 2);
});

Deno.test(`whatever is asked, nothing fails inside (seed ${seed})`, async () => {
  const { logger, lines } = keepingLogger();
  await using app = await startServer({}, logger);
  const ada = await signUp(app.url);
  const part = fc.oneof(
    fc.constantFrom("api", "v1", "auths", "users", "chats", "tasks", "new", "update", "signout"),
    fc.constantFrom("", "%", "%00", "%ff", "..", "%2e%2e", "*", ":id", "__proto__", "constructor"),
    fc.webSegment(),
    fc.string({ unit: "grapheme", maxLength: 20 }).map(encodeURIComponent.bind(undefined)),
    fc.constant("x".repeat(3_000)),
  );
  const known = fc.constantFrom(
    "/api/v1/users/",
    `/api/v1/users/${ada.id}/update`,
    "/api/v1/users/nobody/update",
    "/api/v1/auths/",
    "/api/v1/chats/",
    "/api/v1/chats/new",
    "/api/tasks",
  );
  const request = fc.record({
    path: fc.oneof(known, fc.array(part, { maxLength: 6 }).map((parts) => `/${parts.join("/")}`)),
    query: fc.oneof(
      fc.constant(""),
      fc.webQueryParameters().map((query) => `?${query}`),
      fc.base64String().map((text) => `?cursor=${encodeURIComponent(text)}`),
      fc.tuple(fc.double(), fc.string()).map((at) =>
        `?cursor=${
          new TextEncoder().encode(JSON.stringify(at)).toBase64({ alphabet: "base64url" })
        }`
      ),
      fc.string().map((text) => `?page=${encodeURIComponent(text)}`),
    ),
    method: fc.constantFrom("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"),
    authorization: fc.oneof(
      fc.constant(`Bearer ${ada.token}`),
      fc.base64String().map((text) => `Bearer ${text}`),
      fc.stringMatching(/^[!-~]{0,40}$/),
    ),
    body: fc.oneof(fc.json(), fc.string(), fc.json().map((chat) => `{"chat":${chat}}`)),
  });
  // Signing out would make the rest of the requests those of a stranger.
  const harmless = request.filter(({ path }) => !path.includes("signout"));
  const property = fc.asyncProperty(harmless, async (asked) => {
    const { path, query, method, authorization, body } = asked;
    const response = await fetch(app.url + path + query, {
      method,
      headers: { authorization, "content-type": "application/json" },
      ...(method !== "GET" && method !== "HEAD" && { body }),
      redirect: "manual",
    });
    const text = await response.text();
    assert.ok(response.status < 500, `${response.status} ${text}`);
    assert.doesNotMatch(text, /node_modules|\.ts:\d+/);
    if (response.status >= 400 && method !== "HEAD" && response.status !== 404) {
      assert.equal(response.headers.get("content-type"), "application/problem+json", text);
    }
  });
  await fc.assert(property, { seed, numRuns: 300 });
  const up = { name: "Eve", email: "eve@example.com", password: PASSWORD };
  const alive = await post(`${app.url}/api/v1/auths/signup`, up);
  assert.equal(alive.status, 200);
  await alive.body?.cancel();
  assert.deepEqual(lines.filter((line) => line.includes("request failed")), []);
});
