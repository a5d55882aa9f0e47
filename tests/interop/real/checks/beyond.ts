import assert from "node:assert/strict";
import { until } from "../../../support/until.ts";
import type { Check } from "./check.ts";
import { answerWith, ask, textOf } from "./chats.ts";

const WORDS = Array.from({ length: 40 }, (_, n) => `word${n} `);

export const beyondChecks: Check[] = [
  {
    name: "a tab that loses its network in mid-answer misses nothing",
    isBeyond: true,
    async run(world) {
      answerWith(world, WORDS);
      const ada = await world.person("Ada");
      using tab = await ada.tab();
      const { messageId } = await ask(ada, tab, { background_tasks: {} });
      await until(() => textOf(tab, messageId).includes("word5 "), {
        what: "the first words",
        limitMs: 20_000,
      });
      // As a network that goes: nobody says good-bye.
      tab.socket.io.engine.close();
      await until(() => tab.socket.connected, { what: "the tab, again" });
      await until(() => textOf(tab, messageId).includes("word39"), {
        what: "the last word",
        limitMs: 20_000,
      });
      assert.equal(textOf(tab, messageId).trim(), WORDS.join("").trim());
      return tab.socket.recovered ? "recovered, nothing missed" : "nothing missed";
    },
  },
  {
    name: "Python decodes no event of our sockets: nobody but us listens to a user's room",
    isBeyond: true,
    async run({ admin, redis }) {
      using _tab = await admin.tab();
      const channel = `socketio#/#user:${admin.id}`;
      const seen = await redis.command("PUBSUB", "NUMSUB", channel);
      assert.match(seen, /\b1$/);
      return seen.replaceAll("\n", " ");
    },
  },
];
