// deno-lint-ignore-file no-console -- what the library tells there is heard.
/** What is given to the library, or answered to it, may be at fault: what it does then. */
import assert from "node:assert/strict";
import { createApi } from "../../lib/client/api.ts";
import { ClientError, type ClientErrorCode, isClientError } from "../../lib/client/errors.ts";
import { Listeners } from "../../lib/client/listeners.ts";
import { pause } from "../../lib/common/pause.ts";
import { personAt, signUp, startServer } from "../support/server.ts";
import { until } from "../support/until.ts";
import { libraryClient } from "./fixture.ts";

function answering(answer: (request: Request) => Response | Promise<Response>) {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, answer);
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

const html = { "content-type": "text/html" };
const ANSWERS: [what: string, Response, Partial<ClientError>][] = [
  [
    "a proxy's page instead of an answer",
    new Response("<!doctype html>", { headers: html }),
    { code: "invalid_answer", status: 200 },
  ],
  ["404 of a proxy", new Response("<h1>", { status: 404, headers: html }), {
    code: "not_found",
    status: 404,
  }],
  ["413 of a proxy", new Response("<h1>", { status: 413, headers: html }), {
    code: "too_large",
    status: 413,
  }],
  ["502 of a proxy", new Response("<h1>", { status: 502, headers: html }), {
    code: "unavailable",
    status: 502,
  }],
  [
    "a wait in seconds",
    Response.json({ code: "rate_limited" }, { status: 429, headers: { "retry-after": "7" } }),
    { code: "rate_limited", status: 429, retryAfterMs: 7_000 },
  ],
  [
    "a code that nobody knows",
    Response.json({ code: "no_such_code", detail: "Words" }, { status: 409 }),
    { code: "conflict", message: "Words" },
  ],
];

Deno.test("C5: each answer that is none has its code, status and wait", async (t) => {
  for (const [what, answer, expected] of ANSWERS) {
    await t.step(what, async () => {
      await using server = answering(() => answer);
      const thrown = await createApi(server)("GET /api/models").catch((thrown) => thrown);
      assert.ok(isClientError(thrown, expected.code as ClientErrorCode), String(thrown));
      for (const [name, value] of Object.entries(expected)) {
        assert.equal(Reflect.get(thrown, name), value, name);
      }
    });
  }
});

Deno.test("C6: a time-out is none of a missing server, and an abort is the caller's own", async () => {
  const hanging = Promise.withResolvers<Response>();
  await using server = answering(() => hanging.promise);
  const api = createApi(server);
  await assert.rejects(api("GET /api/models", { timeoutMs: 30 }), { code: "timeout" });
  const reason = new Error("changed my mind");
  await assert.rejects(api("GET /api/models", { signal: AbortSignal.abort(reason) }), reason);
  hanging.resolve(Response.json({}));
  // While it waits to ask again, too; and nothing of the wait is left.
  const told = Promise.withResolvers<void>();
  await using busy = answering(() => {
    told.resolve();
    return Response.json({ code: "unavailable" }, {
      status: 503,
      headers: { "retry-after": "5" },
    });
  });
  const ended = new AbortController();
  const asked = createApi(busy)("GET /api/models", { signal: ended.signal });
  await told.promise;
  await pause(50);
  ended.abort(reason);
  await assert.rejects(asked, reason);
  await assert.rejects(createApi({ url: "http://127.0.0.1:1" })("GET /api/models"), {
    code: "offline",
  });
});

Deno.test("C5: the error of a second copy of the library is known, another error is not", async () => {
  const address = new URL("../../lib/client/errors.ts?copy", import.meta.url).href;
  const copy = await import(address) as { ClientError: typeof ClientError };
  const theirs = new copy.ClientError("not_found", "It is gone.");
  assert.equal(theirs instanceof ClientError, false);
  assert.ok(isClientError(theirs) && isClientError(theirs, "forbidden", "not_found"));
  assert.equal(isClientError(theirs, "offline"), false);
  assert.equal(isClientError(Object.assign(new Error(), { code: "not_found" })), false);
});

Deno.test("C4: a listener that throws is told on the console, and skips nobody", async () => {
  const told: unknown[] = [];
  const { error } = console;
  console.error = (...said: unknown[]) => void told.push(said.at(-1));
  try {
    const listeners = new Listeners<number>();
    const heard: number[] = [];
    const fault = new Error("a fault of the listener");
    listeners.add(() => {
      throw fault;
    });
    listeners.add((value) => void heard.push(value));
    listeners.tell(7);
    assert.deepEqual([heard, told], [[7], [fault]]);

    await using app = await startServer();
    const ada = await signUp(app.url);
    await using client = await libraryClient({ url: app.url, token: ada.token });
    let count = 0;
    client.connection.on("events", () => {
      throw fault;
    });
    client.connection.on("events", () => void count++);
    client.chats.onEvent(() => {
      throw fault;
    });
    await personAt(app.url, ada).json("POST", "/api/v1/chats/new", { chat: {} });
    await until(() => count > 0 && told.length >= 3, { what: "the event" });
  } finally {
    console.error = error;
  }
});
