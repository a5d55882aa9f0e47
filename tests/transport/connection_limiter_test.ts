import assert from "node:assert/strict";
import type { IncomingMessage } from "node:http";
import { until } from "../support/until.ts";
import { originCheck } from "../../lib/transport/origins.ts";
import { limitedAddress, remoteAddress } from "../../lib/transport/remote_address.ts";
import { PATH, startServer } from "./support/server.ts";
import { WireClient } from "./support/wire_client.ts";

const request = (headers: Record<string, string | undefined>, address = "10.0.0.1") =>
  ({ headers, socket: { remoteAddress: address } }) as unknown as IncomingMessage;

const LIST = ["https://chat.example", "http://localhost:5173/"];
const ORIGINS: [origin: string | undefined, host: string, passes: boolean][] = [
  [undefined, "chat.example", true],
  ["https://chat.example", "10.0.0.9", true],
  ["https://CHAT.example", "10.0.0.9", true],
  ["http://localhost:5173", "10.0.0.9", true],
  ["https://own.example", "own.example", true],
  ["https://own.example", "own.example:443", true],
  ["http://own.example:8080", "own.example:8080", true],
  ["http://chat.example", "10.0.0.9", false],
  ["https://chat.example:8443", "10.0.0.9", false],
  ["https://chat.example.evil.example", "10.0.0.9", false],
  ["https://evil.example", "chat.example", false],
  ["http://own.example:8081", "own.example:8080", false],
  ["null", "10.0.0.9", false],
  ["", "10.0.0.9", false],
  ["https://user@own.example", "own.example", false],
  ["https://own.example", "x@own.example", false],
];

Deno.test("A2: a table of origins: only the configured ones and our own get in", () => {
  const check = originCheck(LIST);
  for (const [origin, host, passes] of ORIGINS) {
    assert.equal(check(request({ origin, host })), passes, `${origin} to ${host}`);
  }
  assert.equal(originCheck("*")(request({ origin: "null", host: "x" })), true);
  assert.throws(() => originCheck(["chat.example"]), /Cannot allow the origin: chat\.example/);
});

Deno.test("A2: a foreign page gets 403 by both transports, and is counted", async () => {
  await using started = await startServer({ allowedOrigins: LIST });
  const url = `${started.url}${PATH}/?EIO=4&transport=polling`;
  const refused = await fetch(url, { headers: { origin: "https://evil.example" } });
  assert.equal(refused.status, 403);
  assert.equal(refused.headers.get("access-control-allow-origin"), null);
  assert.deepEqual(await refused.json(), { code: 4, message: "Origin not allowed" });

  const allowed = await fetch(url, { headers: { origin: "https://chat.example" } });
  assert.equal(allowed.status, 200);
  assert.equal(allowed.headers.get("access-control-allow-origin"), "https://chat.example");
  assert.equal(allowed.headers.get("access-control-allow-credentials"), "true");
  await allowed.body?.cancel();

  await using foreign = await WireClient.connect(started.port);
  await foreign.upgrade({ headers: { Origin: "https://evil.example" } });
  await foreign.until(() => foreign.ended, "the refusal");
  assert.match(foreign.head, /^HTTP\/1\.1 403 /);
  await using friend = await WireClient.open(started.port, {
    headers: { Origin: "https://chat.example" },
  });
  assert.equal(friend.ended, false);
  assert.equal(started.server.stats().refusals.origin, 2);
});

Deno.test("places are limited per address and in all, and free again", async () => {
  await using started = await startServer({
    maxConnections: 4,
    maxConnectionsPerAddress: 2,
    trustedProxies: 1,
  });
  const from = (address: string) => ({ headers: { "X-Forwarded-For": `6.6.6.6, ${address}` } });
  const statusFrom = async (address: string) => {
    await using client = await WireClient.connect(started.port);
    await client.upgrade(from(address));
    await client.until(() => client.head, "an answer");
    return Number(client.head.split(" ")[1]);
  };
  await using _one = await WireClient.open(started.port, from("1.1.1.1"));
  await using two = await WireClient.open(started.port, from("1.1.1.1"));
  assert.equal(await statusFrom("1.1.1.1"), 429);
  await using _three = await WireClient.open(started.port, from("2.2.2.2"));
  await using _four = await WireClient.open(started.port, from("3.3.3.3"));
  assert.equal(await statusFrom("4.4.4.4"), 503);
  const polling = await fetch(`${started.url}${PATH}/?EIO=4&transport=polling`);
  assert.equal(polling.status, 503);
  await polling.body?.cancel();
  await two[Symbol.asyncDispose]();
  await until(() => started.server.stats().sockets === 3, { what: "a free place" });
  await using _five = await WireClient.open(started.port, from("1.1.1.1"));
  const { refusals } = started.server.stats();
  assert.deepEqual([refusals.connections_per_address, refusals.connections], [1, 2]);
});

Deno.test("no spelling of the query gets past the limit", async () => {
  await using started = await startServer({ maxConnections: 1 });
  await using _first = await WireClient.open(started.port);
  const base = "EIO=4&transport=websocket";
  for (const query of [`sid=x&${base}&sid=`, `sid=x?&${base}&sid=`, `${base}&sid=#&sid=x`]) {
    await using client = await WireClient.connect(started.port);
    await client.upgrade({ path: `${PATH}/?${query}` });
    await client.until(() => client.ended, "the refusal");
    assert.match(client.head, /^HTTP\/1\.1 503 /, query);
  }
  assert.equal(started.server.stats().sockets, 1);
});

Deno.test("a preflight is answered for allowed origins only", async () => {
  await using started = await startServer({ allowedOrigins: LIST });
  const ask = (origin: string) =>
    fetch(`${started.url}${PATH}/?EIO=4&transport=polling`, {
      method: "OPTIONS",
      headers: { origin, "access-control-request-method": "POST" },
    });
  const yes = await ask("https://chat.example");
  assert.equal(yes.status, 204);
  assert.equal(yes.headers.get("access-control-allow-methods"), "GET,POST");
  const no = await ask("https://evil.example");
  assert.equal(no.status, 403);
  await no.body?.cancel();
});

Deno.test("remoteAddress() believes only as many hops as there are proxies of ours", () => {
  const forwarded = "6.6.6.6, 7.7.7.7, ::ffff:8.8.8.8";
  const req = request({ "x-forwarded-for": forwarded }, "::ffff:10.0.0.1");
  assert.deepEqual([0, 1, 2, 3, 9].map((hops) => remoteAddress(req, hops)), [
    "10.0.0.1",
    "8.8.8.8",
    "7.7.7.7",
    "6.6.6.6",
    "6.6.6.6",
  ]);
  assert.equal(remoteAddress(request({}, "::1"), 1), "::1");
});

Deno.test("limitedAddress() counts the networks of IPv6, however their addresses are spelled", () => {
  const limited = (address: string) => limitedAddress(request({}, address));
  const one = ["2001:db8:0:1::1", "2001:0DB8:0:1:ffff::", "2001:db8:0:1:2:3:1.2.3.4"];
  for (const address of one) assert.equal(limited(address), "2001:db8:0:1::/64", address);
  assert.equal(limited("2001:db8:0:2::1"), "2001:db8:0:2::/64");
  assert.equal(limited("fe80::1%eth0"), "fe80:0:0:0::/64");
  assert.equal(limited("::1"), "0:0:0:0::/64");
  for (const [address, shown] of [["::ffff:10.0.0.1", "10.0.0.1"], ["10.0.0.1", "10.0.0.1"]]) {
    assert.equal(limited(address ?? ""), shown);
  }
  const spoofed = request({ "x-forwarded-for": "2001:db8::7, 2001:db8:0:1::9" }, "10.0.0.1");
  assert.equal(limitedAddress(spoofed, 1), "2001:db8:0:1::/64");
  assert.equal(limitedAddress(request({ "x-forwarded-for": "no address" }), 1), "no address");
});
