/** An answer as Server-Sent Events: `GET …/messages/{message}/stream`. */
import assert from "node:assert/strict";
import type { AnswerStreamData } from "../../lib/protocol/events.ts";
import { startModelProvider } from "../support/model_provider.ts";
import { inModes } from "../support/instances.ts";
import { type Person, personAt, signUp, startServer } from "../support/server.ts";
import { until } from "../support/until.ts";
import { ask, newChat } from "./support/chat.ts";

interface Heard {
  id: string;
  data: AnswerStreamData;
}

function open(url: string, { token }: Person, chatId: string, lastEventId?: string) {
  return fetch(`${url}/api/v1/chats/${chatId}/messages/a/stream`, {
    headers: {
      authorization: `Bearer ${token}`,
      ...(lastEventId !== undefined && { "last-event-id": lastEventId }),
    },
  });
}

/** The events, as they come. */
async function* eventsOf(response: Response): AsyncGenerator<Heard, void, void> {
  assert.equal(response.headers.get("content-type"), "text/event-stream");
  let rest = "";
  for await (const text of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    const events = (rest + text).split("\n\n");
    rest = events.pop() ?? "";
    for (const event of events) {
      const [, id, data] = /^id: (.*)\ndata: (.*)$/.exec(event) ?? [];
      if (id !== undefined && data !== undefined) yield { id, data: JSON.parse(data) };
    }
  }
}

const TOKENS = Array.from({ length: 300 }, (_, at) => `${at}·é🙂 `);

inModes(
  ["redis"],
  "T6: an answer over HTTP, left in the middle and gone on with at another instance, is whole",
  async ({ a, b, provider }) => {
    provider.script = { tokens: TOKENS, paceMs: 4 };
    const ada = await signUp(a.url);
    const chatId = await newChat(ada, "titled");
    await ask(ada, chatId);
    let content = "";
    let last = "";
    for await (const { id, data } of eventsOf(await open(a.url, ada, chatId))) {
      content += data.content;
      last = id;
      if (content.includes("40·")) break;
    }
    const there = personAt(b.url, ada);
    for await (const { id, data } of eventsOf(await open(b.url, there, chatId, last))) {
      assert.equal(data.reset, undefined);
      content += data.content;
      last = id;
      if (data.done) assert.equal(data.finish_reason ?? "stop", "stop");
    }
    assert.equal(content, TOKENS.join(""));
    const again = await open(b.url, there, chatId, last);
    assert.equal(again.status, 204);
    await again.body?.cancel();
  },
);

Deno.test("A3: an answer over HTTP is its owner's, has bounds, and is told to be over", async () => {
  await using provider = startModelProvider();
  provider.script = { tokens: TOKENS, paceMs: 20 };
  await using app = await startServer({ OPENAI_API_BASE_URL: provider.baseUrl });
  const ada = await signUp(app.url);
  const bob = await signUp(app.url);
  const chatId = await newChat(ada, "titled");
  const statusOf = async (who: Person, chat = chatId, last?: string) => {
    const response = await open(app.url, who, chat, last);
    await response.body?.cancel();
    return response.status;
  };
  assert.equal(await statusOf(bob), 404, "somebody else's");
  assert.equal(await statusOf(ada), 404, "no such message");
  assert.equal(await statusOf(ada, chatId, "nonsense"), 400);
  await ask(ada, chatId);
  const readers = await Promise.all(Array.from({ length: 16 }, () => open(app.url, ada, chatId)));
  assert.ok(readers.every(({ status }) => status === 200));
  assert.equal(await statusOf(ada), 429, "one too many");
  const [first, ...others] = readers;
  for (const other of others) await other.body?.cancel();
  assert.ok(first);
  await ada.call("POST", `/api/tasks/chat/${chatId}/stop`).then((stopped) =>
    stopped.body?.cancel()
  );
  const heard: AnswerStreamData[] = [];
  for await (const { data } of eventsOf(first)) heard.push(data);
  assert.deepEqual(
    [heard.at(-1)?.done, heard.at(-1)?.interrupted, heard.at(-1)?.stopped],
    [true, true, true],
  );
  const content = heard.map((data) => data.content).join("");
  assert.ok(TOKENS.join("").startsWith(content) && content.length > 0);
});

inModes(
  ["redis"],
  "A3: an answer over HTTP ends with its reader's access, whichever instance takes it away",
  async ({ a, b, provider }) => {
    provider.script = { tokens: TOKENS, paceMs: 100 };
    const admin = await signUp(a.url);
    const ended = async (reader: Person, end: () => Promise<unknown>) => {
      const chatId = await newChat(reader, "titled");
      await ask(reader, chatId);
      const response = await open(a.url, reader, chatId);
      await end();
      // A look from time to time would take five seconds to see it.
      const endedAt = performance.now();
      assert.match(await response.text(), /\n\nevent: error\ndata: \{"code":"unauthenticated"/);
      assert.ok(performance.now() - endedAt < 3_000, "not at once");
    };
    const [ada, bob] = [await signUp(a.url), await signUp(a.url)];
    await ended(ada, () => personAt(b.url, ada).status("POST", "/api/v1/auths/signout"));
    const change = `/api/v1/users/${bob.id}/update`;
    await ended(bob, () => personAt(b.url, admin).json("POST", change, { role: "pending" }));
  },
);

Deno.test("an answer that is not read over HTTP is ended, waits nowhere, and is counted", async () => {
  await using provider = startModelProvider();
  // More than the kernel keeps for a reader, however much the instance would like to send.
  provider.script = { tokens: Array.from({ length: 160 }, () => "x".repeat(64_000)) };
  await using app = await startServer({
    OPENAI_API_BASE_URL: provider.baseUrl,
    HTTP_ANSWER_TIMEOUT: "0.5",
  });
  const ada = await signUp(app.url);
  const readers = async () => {
    const text = await (await fetch(`${app.url}/metrics`)).text();
    return /rt_answer_readers\{what="now"\} (\d+)/.exec(text)?.[1];
  };
  const chatId = await newChat(ada, "titled");
  await ask(ada, chatId);
  const { hostname, port } = new URL(app.url);
  using reader = await Deno.connect({ hostname, port: Number(port) });
  await reader.write(new TextEncoder().encode(
    `GET /api/v1/chats/${chatId}/messages/a/stream HTTP/1.1\r\nhost: x\r\n` +
      `authorization: Bearer ${ada.token}\r\n\r\n`,
  ));
  await until(async () => await readers() === "1", { what: "the reader" });
  await until(async () => await readers() === "0", { what: "the end of who does not read" });
});
