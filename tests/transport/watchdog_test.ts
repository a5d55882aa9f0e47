import assert from "node:assert/strict";
import { watchPort } from "../../lib/transport/watchdog.ts";
import { until } from "../support/until.ts";
import { startServer } from "./support/server.ts";

const FAST = { everyMs: 20, timeoutMs: 400 };

Deno.test("O1: a port that accepts no connection any more is told, once", async () => {
  // A listener that nobody accepts from: the kernel takes connections, as of a process that is deaf.
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  let told = 0;
  const url = `http://127.0.0.1:${(listener.addr as Deno.NetAddr).port}`;
  using _watch = watchPort({ url, onDeaf: () => told++, ...FAST });
  await until(() => told > 0, { what: "the deaf port to be told" });
  await new Promise((done) => setTimeout(done, 2_000));
  assert.equal(told, 1);
});

Deno.test("O1: a port that answers, or turns connections away, is not deaf", async () => {
  await using open = await startServer();
  await using full = await startServer({
    tcp: { maxConnections: 1, maxConnectionsPerAddress: 0 },
  });
  let told = 0;
  using _one = watchPort({ url: open.url, onDeaf: () => told++, ...FAST });
  using _other = watchPort({ url: full.url, onDeaf: () => told++, ...FAST });
  await until(() => full.server.stats().tcpRefused > 5, { what: "several looks" });
  assert.equal(told, 0);
});

Deno.test("O1: on a port that others share, who accepts nothing is deaf, whoever answers", async () => {
  await using answering = await startServer();
  const { url } = answering;
  let accepted = 0;
  let [deaf, fine] = [0, 0];
  using _deaf = watchPort({ url, onDeaf: () => deaf++, ...FAST, shared: { accepted: () => 0 } });
  using _fine = watchPort({
    ...{ url, onDeaf: () => fine++, ...FAST },
    shared: { accepted: () => accepted++ },
  });
  await until(() => deaf > 0, { what: "the deaf process to be told" });
  assert.deepEqual([deaf, fine], [1, 0]);
});
