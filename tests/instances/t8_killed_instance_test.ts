import assert from "node:assert/strict";
import { pause } from "../../lib/common/pause.ts";
import type { ResumeAnswer } from "../../lib/protocol/events.ts";
import { keys } from "../../lib/state/key_space.ts";
import type { StateKey } from "../../lib/state/state_store.ts";
import { say } from "../support/say.ts";
import { connect, signUp } from "../support/server.ts";
import { until } from "../support/until.ts";
import { ask, assertGapless, completions, message, newChat, textOf } from "../e2e/support/chat.ts";
import { at, inModes, type Instances } from "../support/instances.ts";
import { KILLABLE_ENV, SESSION_TIMEOUT_S, startKillable } from "../support/killable.ts";

const WORDS = Array.from({ length: 20_000 }, (_, i) => `w${i} `);
/** The session time-out, and what a look at it takes on a busy machine. */
const LIMIT_MS = SESSION_TIMEOUT_S * 1_000 + 30_000;

async function count({ a }: Instances, key: StateKey): Promise<number> {
  let entries = 0;
  for await (const page of a.services.store.dictionary(key).scan()) entries += [...page].length;
  return entries;
}

async function sessionsOf({ a }: Instances, instanceId: string): Promise<number> {
  let sessions = 0;
  const pool = a.services.store.dictionary<{ instance_id?: string }>(keys.sessionPool);
  for await (const page of pool.scan()) {
    for (const [, session] of page) if (session.instance_id === instanceId) sessions++;
  }
  return sessions;
}

inModes(
  ["redis", "kv", "kvconnect"],
  "T8, T6, S1: SIGKILL in mid-stream: interrupted, readers told, chat valid, nothing left in time",
  async (instances) => {
    const { a, provider } = instances;
    provider.script = { tokens: WORDS, paceMs: 5 };
    const ada = await signUp(a.url);
    await using dying = await startKillable(instances);
    const chatId = await newChat(ada, "titled");
    await using reader = await connect(a.url, ada.token);
    await using client = await connect(dying.url, ada.token, { reconnection: false });
    await ask(at(dying.url, ada), chatId);
    await client.socket.emitWithAck("usage", { model: "of the dead" });
    await until(() => textOf(completions(reader, chatId)).length > 1_000, {
      what: "some of the answer",
    });
    await until(async () => await sessionsOf(instances, dying.instanceId) === 1, {
      what: "the session",
    });
    const aSecondBefore = textOf(completions(reader, chatId));
    await pause(1_000);
    dying.kill("SIGKILL");
    const killedAt = performance.now();
    await dying.status;
    const heardByClient = completions(client, chatId);
    const left = heardByClient.at(-1);

    const end = await until(
      () => completions(reader, chatId).find(({ data }) => data.data.done),
      { what: "the reader to be told", limitMs: LIMIT_MS },
    );
    say(`T8: readers were told after ${Math.round(performance.now() - killedAt)} ms`);
    assert.equal(end.data.data.interrupted, true);
    const stored = await message(ada, chatId);
    assert.deepEqual([stored.done, stored.interrupted], [true, true]);
    assert.ok(WORDS.join("").startsWith(stored.content ?? ""), "what was kept is no prefix");
    assert.ok(stored.content?.startsWith(aSecondBefore), "text of a second ago was lost");
    const heard = completions(reader, chatId).filter(({ data }) => !data.data.done);
    assertGapless(heard);
    const lost = textOf(heard).length - (stored.content ?? "").length;
    say(`T8: ${lost} of ${textOf(heard).length} characters that were read are not in the chat`);

    await using back = await connect(a.url, ada.token);
    const answer: ResumeAnswer = await back.socket.emitWithAck("chat:resume", {
      chat_id: chatId,
      message_id: "a",
      after: left?.seq,
      generation: left?.data.data.generation,
    });
    assert.deepEqual([answer.done, answer.interrupted], [true, true]);
    assert.ok(
      (textOf(heardByClient) + answer.content).startsWith(stored.content ?? ""),
      "who comes back has what the chat has",
    );

    await until(async () => await sessionsOf(instances, dying.instanceId) === 0, {
      what: "the dead instance's session to go",
      limitMs: LIMIT_MS,
    });
    const gone: [string, () => Promise<boolean>][] = [
      [
        "tasks",
        async () => (await ada.json<{ tasks: [] }>("GET", "/api/tasks")).tasks.length === 0,
      ],
      [
        "usage",
        async () =>
          !(await ada.json<{ model_ids: string[] }>("GET", "/api/usage")).model_ids.includes(
            "of the dead",
          ),
      ],
      ["task owners", async () => await count(instances, keys.taskOwners) === 0],
      ["running streams", async () => await count(instances, keys.streams) === 0],
      ["response streams", async () => await count(instances, keys.responseStreams) === 0],
    ];
    for (const [what, isGone] of gone) await until(isGone, { what, limitMs: LIMIT_MS });
    const tookMs = performance.now() - killedAt;
    say(`S1: nothing of the dead instance is left after ${Math.round(tookMs)} ms`);

    provider.script = {};
    await ask(ada, chatId);
    await until(async () => (await message(ada, chatId)).content === "One two three.", {
      what: "the same message to be generated again",
    });
  },
  { servers: 1, env: KILLABLE_ENV },
);

inModes(
  ["redis", "kv", "kvconnect"],
  "T10: the instance of the asked session is killed: a call and a browser's answer end in time",
  async (instances) => {
    const { a } = instances;
    const ada = await signUp(a.url);
    await using dying = await startKillable(instances);
    await using client = await connect(dying.url, ada.token, { reconnection: false });
    const sessionId = client.socket.id ?? "";
    let asked = 0;
    client.socket.on("events", (_event, ack) => ack && asked++);
    const event = { chat_id: "c", message_id: "m", data: { type: "input" as const, data: {} } };
    const call = a.sockets.call({ userId: ada.id, sessionId, event });
    const chatId = await newChat(ada, "titled");
    await ask(ada, chatId, {
      session_id: sessionId,
      model: "in-the-browser",
      model_item: { id: "in-the-browser", direct: true, urlIdx: 0 },
    });
    await until(() => asked === 2, { what: "both questions" });
    dying.kill("SIGKILL");
    const killedAt = performance.now();
    assert.deepEqual(await call, { error: "Client session disconnected." });
    const stored = await until(async () => {
      const found = await message(ada, chatId);
      return found.done ? found : undefined;
    }, { what: "the answer's end", limitMs: LIMIT_MS });
    assert.match(stored.error?.content ?? "", /disconnected/);
    const tookMs = performance.now() - killedAt;
    say(`T10: told ${Math.round(tookMs)} ms after the instance's death`);
  },
  { servers: 1, env: KILLABLE_ENV },
);
