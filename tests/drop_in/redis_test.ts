/** Open WebUI's Redis in each of its shapes, and away. */
import assert from "node:assert/strict";
import { until } from "../support/until.ts";
import { onEngines, type Tab } from "./fixture.ts";

const numbers = (tab: Tab) =>
  tab.of<{ data: { type: string; data: number } }>("events")
    .filter(({ data }) => data.type === "response:completion").map(({ data }) => data.data);

for (const mode of ["sentinel", "cluster"] as const) {
  onEngines("streams, calls and comebacks to another instance", async (on) => {
    await on.addUser("ada");
    let n = 0;
    const stream = async (count: number) => {
      for (let i = 0; i < count; i++) {
        const data = { type: "response:completion", data: ++n };
        await on.emit("user:ada", "events", { chat_id: "c", data });
      }
    };
    const tab = await on.tab(0, "ada", { reconnection: false });
    tab.socket.on("events", (_event, answer) => typeof answer === "function" && answer("done"));
    await stream(5);
    await until(() => numbers(tab).length === 5, { what: "the stream" });
    const execute = { chat_id: "c", data: { type: "execute" } };
    await on.emit(tab.socket.id ?? "", "events", execute, { callback: [tab.socket.id, "/", 1] });
    await until(() => on.said.some(({ text }) => text.includes('"done"')), { what: "the answer" });
    tab.socket.io.engine.close();
    await until(() => on.apps[0]?.away() === 1, { what: "the loss" });
    await stream(5);
    (tab.socket.io as unknown as { uri: string }).uri = on.apps[1]?.url ?? "";
    tab.socket.connect();
    await until(() => numbers(tab).length === 10, { what: "what was missed" });
    await stream(5);
    await until(() => numbers(tab).length === 15, { what: "what goes on" });
    assert.deepEqual(numbers(tab), Array.from({ length: 15 }, (_, at) => at + 1));
  }, { mode });
}

onEngines(
  "a Redis that ends and comes back is heard again within seconds, and /ready says no meanwhile",
  async (on) => {
    await on.addUser("ada");
    const tab = await on.tab(0, "ada");
    const isReady = async () => {
      const response = await fetch(`${on.apps[0]?.url}/ready`);
      await response.body?.cancel();
      return response.ok;
    };
    await until(isReady, { what: "readiness" });
    for (let n = 1; n <= 3; n++) {
      await on.redis.kill();
      await until(async () => !await isReady(), { what: "the word that it is not ready" });
      await on.redis.restart();
      const sinceMs = performance.now();
      await until(isReady, { what: "readiness again", limitMs: 60_000 });
      await until(async () => {
        await on.emit("user:ada", "events", { data: { type: "response:completion", data: n } });
        return numbers(tab).includes(n);
      }, { what: "Python to be heard", everyMs: 50 });
      assert.ok(performance.now() - sinceMs < 30_000);
      await until(async () => (await on.pool()).size === 1, {
        what: "the session",
        limitMs: 60_000,
      });
    }
    assert.equal(tab.socket.connected, true);
  },
  { instances: 1 },
);
