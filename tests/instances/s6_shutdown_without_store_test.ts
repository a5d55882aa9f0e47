import assert from "node:assert/strict";
import { say } from "../support/say.ts";
import { connect, signUp } from "../support/server.ts";
import { until } from "../support/until.ts";
import { ask, completions, newChat } from "../e2e/support/chat.ts";
import { at, inModes } from "../support/instances.ts";
import { KILLABLE_ENV, startKillable } from "../support/killable.ts";

const faults = ["stands still", "is gone"] as const;

for (const fault of faults) {
  inModes(
    ["redis", "kvconnect"],
    `S6: SIGTERM while the store ${fault} and an answer streams: the process exits in time with 0`,
    async (instances) => {
      const { a, redis, kvConnect, provider } = instances;
      const store = redis ?? kvConnect;
      assert.ok(store);
      provider.script = { tokens: Array(20_000).fill("word "), paceMs: 5 };
      const ada = await signUp(a.url);
      await using server = await startKillable(instances);
      await using client = await connect(server.url, ada.token, { reconnection: false });
      const chatId = await newChat(ada, "titled");
      await ask(at(server.url, ada), chatId);
      await until(() => completions(client, chatId).length > 10, { what: "the stream" });
      if (fault === "is gone") await store.kill();
      else store.pause();
      const began = performance.now();
      server.kill("SIGTERM");
      const { code } = await server.status;
      const tookMs = performance.now() - began;
      say(`S6: the store ${fault}: out after ${Math.round(tookMs)} ms`);
      assert.equal(code, 0, server.log());
      // Five seconds are promised; a busy machine may take as long to schedule them.
      assert.ok(tookMs < 30_000, `${tookMs} ms`);
      assert.doesNotMatch(server.log(), /Uncaught|unhandled/i);
      await until(() => !client.socket.connected, { what: "the client to be told" });
      if (fault === "is gone") await store.restart();
      else store.resume();
    },
    { servers: 1, env: KILLABLE_ENV },
  );
}
