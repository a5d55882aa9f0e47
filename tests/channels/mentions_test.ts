import assert from "node:assert/strict";
import fc from "fast-check";
import { mentionedModels, withoutMentions } from "../../lib/channels/mentions.ts";
import { seedOf } from "../support/say.ts";

Deno.test("models are found by their ids, each once, and people are no models", () => {
  const text = "<@M:gpt-4o:latest|GPT> and <@U:42|Ada>, <@M:echo> <@M:echo|Echo>, <#C:7|general>";
  assert.deepEqual(mentionedModels(text), ["gpt-4o:latest", "echo"]);
  assert.deepEqual(mentionedModels("mail <ada@M:example.com>, <@M:>, <@ M:echo>, @echo"), []);
  assert.equal(mentionedModels("<@M:1><@M:2><@M:3><@M:4><@M:5><@M:6>").length, 4);
});

Deno.test("a model reads the text without its own mention, and names instead of ids", () => {
  assert.equal(
    withoutMentions("<@M:echo|Echo>  hello <@U:42|Ada Lovelace>"),
    "hello @Ada Lovelace",
  );
  assert.equal(withoutMentions("in <#C:7>"), "in @7");
});

Deno.test("no text makes them fail or take long", () => {
  const piece = fc.constantFrom("<@M:", "|", ">", "<", "a".repeat(300), ":", "<@U:x|y>", " ");
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 300 }), (pieces) => {
      const text = pieces.join("");
      const start = performance.now();
      for (const id of mentionedModels(text)) assert.match(id, /^[^|<>\s]+$/);
      assert.doesNotMatch(withoutMentions(text), /<@M:x>/);
      assert.ok(performance.now() - start < 5_000);
    }),
    { seed: seedOf("mentions") },
  );
});
