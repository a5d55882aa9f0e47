import assert from "node:assert/strict";
import { pause } from "../../lib/common/pause.ts";
import { type Client, connect, type Person, signUp } from "../support/server.ts";
import { until } from "../support/until.ts";
import { answered, ask, completions, message, newChat, textOf } from "../e2e/support/chat.ts";
import { at, inModes, type Instances } from "../support/instances.ts";

const WORDS = Array.from({ length: 50_000 }, (_, i) => `w${i} `);

interface Running {
  ada: Person;
  /** The same person at the instance that does not run the answer. */
  there: Person;
  client: Client;
  chatId: string;
  taskId: string;
}

/** An answer that runs at A, watched from A. */
async function running(
  { provider, a, b }: Instances,
  client: Client,
  ada: Person,
): Promise<Running> {
  provider.script = { tokens: WORDS, paceMs: 10 };
  const chatId = await newChat(ada, "titled");
  const taskId = await ask(ada, chatId);
  await until(() => completions(client, chatId).length > 5, {
    what: `some of the answer at ${a.url}`,
  });
  return { ada, there: at(b.url, ada), client, chatId, taskId };
}

/** The stop was taken, and has ended the answer everywhere. */
async function ends(
  { ada, client, chatId, there }: Running,
  stopping: Promise<{ status: boolean }>,
): Promise<void> {
  assert.equal((await stopping).status, true);
  const end = await answered(client, chatId);
  assert.equal(end.data.data.interrupted, true);
  const stored = await until(async () => {
    const found = await message(ada, chatId);
    return found.done ? found : undefined;
  }, { what: "the answer to be stored" });
  assert.equal(stored.content, textOf(completions(client, chatId)));
  await until(
    async () => (await there.json<{ tasks: [] }>("GET", "/api/tasks")).tasks.length === 0,
    { what: "no task" },
  );
}

const stop = ({ there, taskId }: Running) =>
  there.json<{ status: boolean }>("POST", `/api/tasks/stop/${taskId}`);

inModes(
  ["redis"],
  "T1: a stop ends the answer after Redis has closed what was idle, and while pub/sub is cut",
  async (instances) => {
    const { redis } = instances;
    assert.ok(redis);
    const ada = await signUp(instances.a.url);
    await using client = await connect(instances.a.url, ada.token);
    const idle = await running(instances, client, ada);
    // Redis closes what is idle for a second: to a connection, three of them are a minute and more.
    await pause(3_000);
    await ends(idle, stop(idle));
    for (let round = 0; round < 3; round++) {
      const cut = await running(instances, client, ada);
      const cutting = redis.cutPubSub();
      await ends(cut, stop(cut));
      await cutting;
    }
  },
  { redisArgs: ["--timeout", "1"] },
);

inModes(
  ["redis", "kvconnect"],
  "T1: a stop that is sent while the store is away ends the answer when it is back, all text kept",
  async (instances) => {
    const store = instances.redis ?? instances.kvConnect;
    assert.ok(store);
    const ada = await signUp(instances.a.url);
    await using client = await connect(instances.a.url, ada.token);
    const answer = await running(instances, client, ada);
    await store.kill();
    const heard = completions(client, answer.chatId).length;
    const stopping = stop(answer);
    await until(() => completions(client, answer.chatId).length > heard + 50, {
      what: "the stream to go on without it",
    });
    await store.restart();
    await ends(answer, stopping);

    const next = await running(instances, client, ada);
    await ends(next, stop(next));
  },
  { redisArgs: ["--appendonly", "yes"] },
);
