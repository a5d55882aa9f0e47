import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { keepingLogger } from "../support/log_lines.ts";
import { until } from "../support/until.ts";
import { startServer } from "./support/server.ts";
import { WireClient } from "./support/wire_client.ts";

const GET = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
const MB = 1024 * 1024;

/** Connections that have asked for something and read nothing. */
async function askAndNeverRead(port: number, count: number): Promise<AsyncDisposableStack> {
  await using stack = new AsyncDisposableStack();
  for (let at = 0; at < count; at++) {
    const client = stack.use(await WireClient.connect(port));
    await client.write(GET);
  }
  return stack.move();
}

Deno.test("X4: an answer that nobody reads ends; one that is read slowly does not", async () => {
  // A kernel tells the writer of free room by the third of its send buffer (up to 4 MiB), and takes
  // some megabytes at once: the answer is far larger than that, and each third is read in a fraction
  // of the time that a reader may take nothing.
  const bytes = 48 * MB;
  const body = Buffer.alloc(bytes, "x");
  const answerTimeoutMs = 1_500;
  await using started = await startServer({
    answerTimeoutMs,
    onRequest: (_req, res) => res.end(body),
  });
  await using _idle = await askAndNeverRead(started.port, 3);
  // Reads a little at a time, for longer than an answer may wait.
  const conn = await Deno.connect({ hostname: "127.0.0.1", port: started.port });
  await conn.write(new TextEncoder().encode("GET / HTTP/1.0\r\nHost: x\r\n\r\n"));
  const begun = performance.now();
  const buffer = new Uint8Array(256 * 1024);
  let [read, pausedAt] = [0, 0];
  for (let got = await conn.read(buffer); got !== null; got = await conn.read(buffer)) {
    read += got;
    if (read - pausedAt < 256 * 1024) continue;
    pausedAt = read;
    await new Promise((done) => setTimeout(done, 20));
  }
  conn.close();
  assert.ok(read > bytes, `${read} bytes read`);
  assert.ok(performance.now() - begun > 2 * answerTimeoutMs, "read for longer than it may wait");
  await until(() => started.server.stats().answersUnread === 3, { what: "the others to be cut" });
});

Deno.test("X4: readers that read nothing hold no more than a bound, the oldest go first", async () => {
  await using started = await startServer({
    maxUnreadBytes: 20 * MB,
    onRequest: (_req, res) => res.end("x".repeat(8 * MB)),
  });
  await using _idle = await askAndNeverRead(started.port, 6);
  await until(() => started.server.stats().answersUnread >= 4, { what: "the oldest to be cut" });
  assert.equal(started.server.stats().answersUnread, 4);
  const answer = await fetch(started.url);
  assert.equal((await answer.text()).length, 8 * MB);
});

Deno.test("X4: what many ask for at once is kept once", async () => {
  const file = Buffer.alloc(16 * MB, "x");
  await using started = await startServer({ onRequest: (_req, res) => res.end(file) });
  // Memory is the whole process': what other tests take meanwhile does not come again.
  let grownBytes = Infinity;
  for (let tries = 0; tries < 3 && grownBytes > 200 * MB; tries++) {
    const before = Deno.memoryUsage().rss;
    await using _idle = await askAndNeverRead(started.port, 40);
    await until(() => started.server.stats().tcpConnections >= 40, { what: "all to have asked" });
    await new Promise((done) => setTimeout(done, 300));
    grownBytes = Deno.memoryUsage().rss - before;
  }
  assert.ok(grownBytes < 200 * MB, `${grownBytes / MB} MB for 40 readers of 16 MB`);
});

Deno.test("O1: TCP connections are counted before they say anything; silent ones make room", async () => {
  await using started = await startServer({
    tcp: { maxConnections: 8, maxConnectionsPerAddress: 1_000 },
    handshakeTimeoutMs: 60_000,
  });
  await using silent = new AsyncDisposableStack();
  for (let at = 0; at < 30; at++) silent.use(await WireClient.connect(started.port));
  await using client = await WireClient.open(started.port);
  assert.equal(client.ended, false);
  const answer = await fetch(started.url);
  assert.equal(await answer.text(), "not socket.io");
  assert.ok(started.server.stats().tcpConnections <= 8);
});

Deno.test("O1: one address does not take all TCP connections; those that work stay", async () => {
  await using started = await startServer({
    tcp: { maxConnections: 1_000, maxConnectionsPerAddress: 3 },
  });
  await using first = await WireClient.open(started.port);
  await using second = await WireClient.open(started.port);
  await using _third = await WireClient.open(started.port);
  await using fourth = await WireClient.connect(started.port);
  fourth.read();
  await fourth.until(() => fourth.ended, "the fourth to be turned away");
  assert.equal(started.server.stats().tcpRefused, 1);
  assert.deepEqual([first.ended, second.ended], [false, false]);
  await first[Symbol.asyncDispose]();
  await until(() => started.server.stats().tcpConnections === 2, { what: "a free place" });
  await using fifth = await WireClient.open(started.port);
  assert.equal(fifth.ended, false);
});

Deno.test("O14: a proxy that the configuration does not know is told once", async () => {
  const { logger, lines } = keepingLogger();
  await using started = await startServer({ logger });
  await using trusting = await startServer({ logger, trustedProxies: 1 });
  const headers = { "x-forwarded-for": "10.1.2.3" };
  for (const url of [started.url, started.url, trusting.url]) {
    await (await fetch(url)).body?.cancel();
    await (await fetch(url, { headers })).body?.cancel();
  }
  const told = lines.filter((line) => line.includes("TRUSTED_PROXIES"));
  assert.equal(told.length, 1);
  assert.match(told[0] ?? "", /"proxy":"127\.0\.0\.1"/);
});
