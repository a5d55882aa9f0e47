import assert from "node:assert/strict";
import type { Script } from "../../../support/model_provider.ts";
import { until } from "../../../support/until.ts";
import type { Json, Person, Tab } from "../person.ts";
import type { World } from "../world.ts";
import type { Check } from "./check.ts";

const WORDS = Array.from({ length: 20 }, (_, n) => `word${n} `);

async function modelId(person: Person): Promise<string> {
  const { data } = await person.api<{ data: { id: string }[] }>("GET", "/api/models");
  // Functions of other checks are models, too.
  const first = data.find(({ id }) => !id.startsWith("pipe_"));
  assert.ok(first, "Open WebUI lists the model");
  return first.id;
}

/** Asks as Open WebUI's page does: the chat is stored, then its answer asked for. */
export async function ask(
  person: Person,
  { sid }: Pick<Tab, "sid">,
  more: Json = {},
): Promise<{ chatId: string; messageId: string }> {
  const model = String(more["model"] ?? await modelId(person));
  const [questionId, messageId] = [crypto.randomUUID(), crypto.randomUUID()];
  const question = {
    ...{ id: questionId, parentId: null, childrenIds: [messageId], role: "user", content: "Go on" },
    ...{ timestamp: 1, models: [model] },
  };
  const answer = {
    ...{ id: messageId, parentId: questionId, childrenIds: [], role: "assistant", content: "" },
    ...{ model, timestamp: 1 },
  };
  const { id: chatId } = await person.api<{ id: string }>("POST", "/api/v1/chats/new", {
    chat: {
      ...{ title: "New Chat", models: [model], messages: [question, answer] },
      history: { currentId: messageId, messages: { [questionId]: question, [messageId]: answer } },
    },
  });
  await person.api("POST", "/api/chat/completions", {
    ...{ stream: true, model, messages: [{ role: "user", content: "Go on" }] },
    ...{ session_id: sid, chat_id: chatId, id: messageId, parent_id: questionId },
    user_message: question,
    background_tasks: { title_generation: true, tags_generation: true, follow_up_generation: true },
    ...more,
  });
  return { chatId, messageId };
}

/** The text that a tab has heard of an answer, whichever of Open WebUI's streams it came in. */
export function textOf(tab: Tab, messageId: string): string {
  let text = "";
  for (const { data } of tab.of("events")) {
    if (data?.message_id !== messageId) continue;
    const { type, data: inner } = data.data ?? {};
    if (type === "response:completion" && inner?.type === "response.output_text.delta") {
      text += inner.delta;
    } else if (type === "chat:completion" && typeof inner?.content === "string") {
      text = inner.content;
    }
  }
  return text;
}

async function content(person: Person, chatId: string, messageId: string): Promise<string> {
  // deno-lint-ignore no-explicit-any
  const chat = await person.api<any>("GET", `/api/v1/chats/${chatId}`);
  return chat.chat.history.messages[messageId]?.content ?? "";
}

/** A whole answer, for who asked for no stream. */
const whole = (content: string): Script => ({
  headers: { "content-type": "application/json" },
  wire: [JSON.stringify({
    ...{ id: "chatcmpl-whole", object: "chat.completion", created: 1, model: "stand-in" },
    choices: [{ index: 0, message: { role: "assistant", content }, finish_reason: "stop" }],
  })],
});

/** The stand-in answers questions with words, and the tasks behind an answer with their JSON. */
export function answerWith(
  world: World,
  words: readonly string[],
  more: Pick<Script, "endsAfter"> = {},
) {
  world.model.script = (body) => {
    if (body["stream"] === true) return { tokens: words, paceMs: 50, ...more };
    const asked = JSON.stringify(body["messages"]);
    if (/broad tags/.test(asked)) return whole('{"tags": ["one"]}');
    if (/follow_ups/.test(asked)) return whole('{"follow_ups": ["And then?"]}');
    return whole('{"title": "A title"}');
  };
}

/** Makes a model of Python that calls the page it is asked from, and answers `RESULT` and the answers. */
export async function callingFunction(world: World, calls: readonly string[]): Promise<string> {
  const id = `pipe_${crypto.randomUUID().slice(0, 8)}`;
  await world.admin.api("POST", "/api/v1/functions/create", {
    ...{ id, name: id, meta: { description: "calls the browser" } },
    content: [
      "import asyncio",
      "class Pipe:",
      "    async def pipe(self, body, __event_call__=None):",
      // The page of 0.12.0 drops a call that comes before it has made the message; Python waits then.
      "        await asyncio.sleep(1)",
      "        answers = ['RESULT']",
      ...calls.map((call) => `        answers.append(str(await __event_call__(${call})))`),
      "        return ' '.join(answers)",
    ].join("\n"),
  });
  await world.admin.api("POST", `/api/v1/functions/id/${id}/toggle`);
  // Each process keeps its own list of models.
  for (const { url } of world.python) {
    await world.admin.api("GET", "/api/models?refresh=true", undefined, url);
  }
  return id;
}

export const chatChecks: Check[] = [
  {
    name: "an answer streams to all tabs of its user, word by word, and is stored",
    async run(world) {
      answerWith(world, WORDS);
      const ada = await world.person("Ada");
      using tab = await ada.tab();
      using other = await ada.tab();
      const { chatId, messageId } = await ask(ada, tab);
      await until(() => textOf(tab, messageId).includes("word3"), {
        what: "the first words",
        limitMs: 20_000,
      });
      const early = textOf(tab, messageId);
      assert.doesNotMatch(early, /word19/, "word by word");
      const text = WORDS.join("").trim();
      await until(async () => (await content(ada, chatId, messageId)).trim() === text, {
        what: "the stored answer",
        limitMs: 20_000,
      });
      await until(() => textOf(other, messageId).trim() === text, {
        what: "the other tab's text",
      });
      return `${tab.of("events").length} events`;
    },
  },
  {
    name: "title, tags, follow-ups and the sign that a chat is active arrive",
    async run(world) {
      answerWith(world, WORDS);
      const ada = await world.person("Ada");
      using tab = await ada.tab();
      await ask(ada, tab);
      const types = ["chat:title", "chat:tags", "chat:message:follow_ups", "chat:active"];
      for (const type of types) {
        await until(() => tab.of("events", type).length > 0, { what: type, limitMs: 30_000 });
      }
      return types.join(", ");
    },
  },
  {
    name: "a call with an ack from a function of Python: execute and input",
    async run(world) {
      const ada = world.admin;
      using tab = await ada.tab();
      tab.socket.on("events", (event, answer) => {
        if (typeof answer !== "function") return;
        if (event.data.type === "execute") answer(42);
        else if (event.data.type === "input") answer("Grace");
      });
      const id = await callingFunction(world, [
        "{'type': 'execute', 'data': {'code': 'return 42'}}",
        "{'type': 'input', 'data': {'title': 'Who?', 'message': '', 'placeholder': ''}}",
      ]);
      const { chatId, messageId } = await ask(ada, tab, { model: id, background_tasks: {} });
      const result = await until(async () => {
        const text = await content(ada, chatId, messageId);
        return text.includes("RESULT") ? text : undefined;
      }, { what: "the function's result", limitMs: 40_000, everyMs: 200 });
      assert.match(result, /RESULT 42 Grace/);
      return result.trim();
    },
  },
  {
    name: "a model that the browser runs answers through any process",
    async run(world) {
      const ada = world.admin;
      using tab = await ada.tab();
      tab.socket.on("events", (event, answer) => {
        if (event?.data?.type !== "request:chat:completion") return;
        answer({ status: true });
        const { channel } = event.data.data;
        for (const content of ["Hello ", "from ", "the browser"]) {
          const line = { choices: [{ index: 0, delta: { content } }] };
          tab.socket.emit(channel, `data: ${JSON.stringify(line)}`);
        }
        const stop = { choices: [{ index: 0, delta: {}, finish_reason: "stop" }] };
        tab.socket.emit(channel, `data: ${JSON.stringify(stop)}`);
        tab.socket.emit(channel, { done: true });
      });
      const { chatId, messageId } = await ask(ada, tab, {
        model: "mine",
        model_item: { id: "mine", name: "mine", direct: true, urlIdx: 0, info: {} },
        background_tasks: {},
      });
      const text = await until(async () => {
        const found = await content(ada, chatId, messageId);
        return found.includes("browser") ? found : undefined;
      }, { what: "the browser's answer", limitMs: 30_000, everyMs: 200 });
      assert.match(text, /Hello from the browser/);
      return text.trim();
    },
  },
  {
    name: "who looks at a chat is told: join, presence, leave",
    async run(world) {
      answerWith(world, WORDS);
      const ada = await world.person("Ada");
      using tab = await ada.tab();
      const { chatId } = await ask(ada, tab);
      const say = (type: string) =>
        tab.socket.timeout(10_000).emitWithAck("events:chat", { chat_id: chatId, data: { type } });
      assert.equal(await say("join"), true);
      const [seen] = await until(() => {
        const events = tab.of("events", "chat:presence");
        return events.length > 0 ? events : undefined;
      }, { what: "presence" });
      assert.deepEqual(seen?.data.data.data.users, [{ id: ada.id, name: ada.name }]);
      assert.equal(await say("leave"), true);
      const stranger = await world.person("Eve");
      using hers = await stranger.tab();
      const refused = await hers.socket.timeout(10_000).emitWithAck("events:chat", {
        chat_id: chatId,
        data: { type: "join" },
      });
      assert.equal(refused, false);
      return "join, presence, leave; a stranger is refused";
    },
  },
  {
    name: "reading a chat is stored, and told to the user's tabs",
    async run(world) {
      answerWith(world, WORDS);
      const ada = await world.person("Ada");
      using tab = await ada.tab();
      const { chatId } = await ask(ada, tab);
      tab.socket.emit("events:chat", { chat_id: chatId, data: { type: "last_read_at" } });
      const [told] = await until(() => {
        const events = tab.of("events", "chat:list").filter(({ data }) =>
          data.data.data?.last_read_at !== undefined
        );
        return events.length > 0 ? events : undefined;
      }, { what: "chat:list" });
      assert.equal(told?.data.chat_id, chatId);
      const listed = await ada.api<{ id: string; last_read_at?: number }[]>(
        "GET",
        "/api/v1/chats/?page=1",
      );
      const { last_read_at = 0 } = listed.find(({ id }) => id === chatId) ?? {};
      assert.ok(last_read_at > 1_700_000_000);
      return `last_read_at ${last_read_at}`;
    },
  },
];
