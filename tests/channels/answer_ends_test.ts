import assert from "node:assert/strict";
import type { ChannelMessage } from "../../lib/protocol/channel.ts";
import { startModelProvider } from "../support/model_provider.ts";
import { signUp, startServer } from "../support/server.ts";
import { until } from "../support/until.ts";
import { choice, DONE, H, sse, STOP } from "../completions/dialects.ts";
import { connectToChannels, makeGroup, post } from "./fixture.ts";

const PIXEL = "data:image/png;base64,AAAA";
const picture = (url: string) => sse(choice({ images: [{ image_url: { url } }] }));

/** What comes, and what the message must hold. */
const ENDS: Record<string, [wire: string[], expected: Record<string, unknown>]> = {
  "cut": [[H, sse(choice({}, "length")), DONE], {
    content: "Hello ",
    meta: { finish_reason: "length" },
  }],
  "filtered": [[sse(choice({}, "content_filter"))], {
    content: "",
    meta: { finish_reason: "content_filter" },
  }],
  "refused": [[sse(choice({ refusal: "I " })), sse(choice({ refusal: "won't." })), STOP], {
    content: "",
    meta: { finish_reason: "stop", refusal: "I won't." },
  }],
  "a tool": [
    [H, sse(choice({ tool_calls: [{ index: 0, function: { name: "f", arguments: "{}" } }] }))]
      .concat(sse(choice({}, "tool_calls"))),
    {
      content: "Hello ",
      meta: {
        finish_reason: "tool_calls",
        tool_calls: [{ type: "function", function: { name: "f", arguments: "{}" } }],
      },
    },
  ],
  "a picture": [[picture(PIXEL), STOP], {
    content: "",
    meta: { finish_reason: "stop" },
    data: { files: [{ type: "image", url: PIXEL }] },
  }],
  "a picture, then it broke": [[H, picture(PIXEL)], {
    content: "Hello ",
    error: "stream_broken",
    data: { files: [{ type: "image", url: PIXEL }] },
  }],
  "too large a picture": [[H, picture(PIXEL + "A".repeat(5 * 1024 * 1024)), STOP], {
    content: "Hello ",
    error: "too_large",
  }],
  "empty": [[STOP, DONE], { content: "", error: "empty_answer" }],
  "a thought": [[sse(choice({ content: "<think>hm</think>" })), STOP], {
    content: "",
    error: "empty_answer",
  }],
  "an error": [[H, sse({ error: { message: "overloaded" } })], {
    content: "Hello ",
    error: "provider_error",
  }],
};

Deno.test("W4: in a channel, too, an answer's end is told as it was", async (t) => {
  await using provider = startModelProvider();
  await using app = await startServer({ OPENAI_API_BASE_URL: provider.baseUrl });
  const ada = await signUp(app.url);
  const { id } = await makeGroup(ada, []);
  await using listener = await connectToChannels(app.url, ada.token);
  const ended = () =>
    listener.of("message:update").map(({ data }) => data.data as ChannelMessage)
      .filter(({ meta }) => meta?.done === true);
  for (const [name, [wire, expected]] of Object.entries(ENDS)) {
    await t.step(name, async () => {
      provider.script = { wire };
      const before = ended().length;
      await post(ada, id, "<@M:stand-in|Stand-in> Well?");
      await until(() => ended().length > before, { what: "the answer's end" });
      const told = ended().at(-1);
      const stored = await ada.json<ChannelMessage>(
        "GET",
        `/api/v1/channels/${id}/messages/${told?.id}`,
      );
      for (const message of [told, stored]) {
        const { model_id: _, model_name: __, done: ___, error, ...meta } = message?.meta ?? {};
        assert.equal(message?.content, expected.content);
        assert.equal((error as { code: string } | undefined)?.code, expected.error);
        if (!error) assert.deepEqual(meta, expected.meta);
        assert.deepEqual(message?.data ?? undefined, expected.data);
      }
    });
  }
  assert.match(JSON.stringify(ended().at(-1)?.meta?.error), /overloaded/);
});
