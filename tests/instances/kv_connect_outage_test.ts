import assert from "node:assert/strict";
import type { App } from "../../lib/app.ts";
import { pause } from "../../lib/common/pause.ts";
import { say } from "../support/say.ts";
import { connect, signUp } from "../support/server.ts";
import { until } from "../support/until.ts";
import { answered, ask, completions, message, newChat, textOf } from "../e2e/support/chat.ts";
import { at, inModes } from "../support/instances.ts";

const WORDS = Array.from({ length: 1_500 }, (_, i) => `w${i} `);
const AWAY_MS = 3_000;

async function isReady({ url }: App): Promise<boolean> {
  const response = await fetch(`${url}/ready`);
  await response.body?.cancel();
  return response.ok;
}

for (const fault of ["is gone", "stands still"] as const) {
  inModes(
    ["kvconnect"],
    `KV Connect ${fault} while answers stream: not ready meanwhile, and then everything is back`,
    async ({ apps, a, b, kvConnect, provider }) => {
      assert.ok(kvConnect);
      provider.script = { tokens: WORDS, paceMs: 5 };
      const ada = await signUp(a.url);
      const there = at(b.url, ada);
      await using near = await connect(a.url, ada.token);
      await using far = await connect(b.url, ada.token);
      const chatId = await newChat(ada, "titled");
      await ask(ada, chatId);
      await until(() => completions(far, chatId).length > 5, { what: "the answer at B" });

      if (fault === "is gone") await kvConnect.kill();
      else kvConnect.pause();
      const heard = completions(near, chatId).length;
      for (const app of apps) {
        await until(async () => !await isReady(app), { what: "an instance to say so" });
      }
      await until(() => completions(near, chatId).length > heard + 20, {
        what: "the answer to go on where it runs",
      });
      await pause(AWAY_MS);
      if (fault === "is gone") await kvConnect.restart();
      else kvConnect.resume();
      const backAt = performance.now();
      for (const app of apps) {
        await until(() => isReady(app), { what: "an instance to be ready", limitMs: 60_000 });
      }
      say(`ready ${Math.round(performance.now() - backAt)} ms after the server was back`);

      await answered(near, chatId, 60_000);
      const text = WORDS.join("");
      assert.equal(textOf(completions(near, chatId)), text);
      await until(async () => (await message(there, chatId)).content === text, {
        what: "the whole answer in the store",
        limitMs: 60_000,
      });

      provider.script = {};
      const next = await newChat(there, "titled");
      const askedAt = performance.now();
      await ask(there, next);
      await answered(near, next, 60_000);
      say(`an answer from B was at A ${Math.round(performance.now() - askedAt)} ms later`);
      await until(async () => (await message(ada, next)).done, { what: "the next answer" });
    },
  );
}
