import assert from "node:assert/strict";
import { connect, signUp, startServer } from "../support/server.ts";

Deno.test("X19: a line for an instance that is not there is refused at once", async () => {
  await using app = await startServer();
  const ada = await signUp(app.url);
  await using client = await connect(app.url, ada.token);
  const started = performance.now();
  const lines = Array.from({ length: 20 }, (_, n) => {
    const channel = `${ada.id}:${client.socket.id}:nobody${n}.${crypto.randomUUID()}`;
    return client.socket.emitWithAck(channel, "data: 1");
  });
  for (const { status, error } of await Promise.all(lines)) {
    assert.equal(status, false);
    assert.equal(error.code, "not_found");
  }
  const tookMs = performance.now() - started;
  assert.ok(tookMs < 5_000, `${tookMs} ms: as long as one is held whose browser may come back`);
});
