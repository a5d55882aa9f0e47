import assert from "node:assert/strict";
import { connect, signUp } from "../support/server.ts";
import { say } from "../support/say.ts";
import { until } from "../support/until.ts";
import { answered, ask, completions, message, newChat, textOf } from "../e2e/support/chat.ts";
import { at, inModes } from "../support/instances.ts";

const WORDS = Array.from({ length: 20_000 }, (_, i) => `w${i} `);

inModes(
  ["redis", "kv", "kvconnect", "sentinel", "cluster"],
  "T2: an answer is stopped from each of three instances, and its upstream is let go",
  async ({ apps, provider, a }) => {
    provider.script = { tokens: WORDS, paceMs: 5 };
    const ada = await signUp(a.url);
    for (const [i, stopper] of apps.entries()) {
      const runner = apps[(i + 1) % apps.length] ?? a;
      const chatId = await newChat(at(runner.url, ada), "titled");
      await using client = await connect(stopper.url, ada.token);
      const taskId = await ask(at(runner.url, ada), chatId);
      await until(() => completions(client, chatId).length > 5, { what: "some of the answer" });
      const there = at(stopper.url, ada);
      const listed = await there.json<{ task_ids: string[] }>(
        "GET",
        `/api/tasks/chat/${chatId}`,
      );
      assert.deepEqual(listed.task_ids, [taskId]);
      const began = performance.now();
      const stop = await there.json<{ status: boolean }>("POST", `/api/tasks/stop/${taskId}`);
      assert.equal(stop.status, true);
      const end = await answered(client, chatId);
      assert.deepEqual([end.data.data.done, end.data.data.interrupted], [true, true]);
      const request = provider.requests.at(-1);
      await until(() => request?.closedAtMs !== undefined, { what: "the provider to be let go" });
      const tookMs = (request?.closedAtMs ?? Infinity) - began;
      say(`T2: the upstream was closed after ${Math.round(tookMs)} ms`);
      const stored = await message(there, chatId);
      assert.equal(stored.content, textOf(completions(client, chatId)));
      assert.equal(stored.interrupted, true);
      await until(
        async () => await there.status("POST", `/api/tasks/stop/${taskId}`) === 404,
        { what: "a stop of what has ended to say so" },
      );
    }
  },
  { servers: 3 },
);
