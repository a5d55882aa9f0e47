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
