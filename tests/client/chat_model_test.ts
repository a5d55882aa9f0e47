import assert from "node:assert/strict";
import { ChatModel } from "../../lib/client/chat_model.ts";
import { signUp, startServer } from "../support/server.ts";
import { until } from "../support/until.ts";
import { libraryClient } from "./fixture.ts";

/** Requests for an answer arrive, and break off before they are answered, once `isTime`. */
function breakOff(isTime: () => boolean): Disposable {
  const { fetch } = globalThis;
  globalThis.fetch = async (input, init) => {
    const response = await fetch(input, init);
    if (!String(input).endsWith("/api/chat/completions")) return response;
    await response.body?.cancel();
    await until(isTime, { what: "the moment to break off" });
    throw new TypeError("the network is gone");
  };
  return {
    [Symbol.dispose]() {
      globalThis.fetch = fetch;
    },
  };
}

Deno.test("W10: an answer that came whole stays so when its request breaks off after it", async () => {
  await using app = await startServer();
  const ada = await signUp(app.url);
  await using client = await libraryClient({ url: app.url, token: ada.token });
  using chat = new ChatModel(client.chats);
  {
    using _ = breakOff(() => chat.snapshot.branch.at(-1)?.done === true);
    await chat.send("Did it arrive?", { id: "echo" });
  }
  const [question, answer] = chat.snapshot.branch;
  assert.equal(question?.content, "Did it arrive?");
  assert.deepEqual([answer?.content, answer?.done, answer?.error], [
    "Did it arrive?",
    true,
    undefined,
  ]);
});

Deno.test("W10: an answer that ended while its request broke off is told to who looks on", async () => {
  await using app = await startServer();
  const ada = await signUp(app.url);
  await using client = await libraryClient({ url: app.url, token: ada.token });
  using chat = new ChatModel(client.chats);
  await chat.send("The first", { id: "echo" });
  await until(() => !chat.snapshot.isStreaming, { what: "the first answer" });
  const active: unknown[] = [];
  using _events = {
    [Symbol.dispose]: client.chats.onEvent((event) => {
      if (event.type === "chat:active") active.push(event.data);
    }),
  };
  const { fetch } = globalThis;
  // The chat is read once nothing of the answer comes any more: the reading alone has to tell.
  globalThis.fetch = async (input, init) => {
    const isAsked = String(input).endsWith("/api/chat/completions");
    if (!isAsked) await until(() => active.length === 2, { what: "the end of the answer" });
    const response = await fetch(input, init);
    if (!isAsked) return response;
    await response.body?.cancel();
    throw new TypeError("the network is gone");
  };
  using _fetch = {
    [Symbol.dispose]() {
      globalThis.fetch = fetch;
    },
  };
  let shown = chat.snapshot;
  using _shown = { [Symbol.dispose]: chat.subscribe(() => shown = chat.snapshot) };
  await chat.send("The second", { id: "echo" });
  await until(() => shown.branch.at(-1)?.done === true, { what: "the end that is shown" });
  assert.equal(shown.branch.at(-1)?.content, "The second");
});
