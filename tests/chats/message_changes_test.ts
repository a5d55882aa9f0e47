import assert from "node:assert/strict";
import { storedChange } from "../../lib/chats/message_changes.ts";
import type { ChatMessage } from "../../lib/protocol/chat.ts";
import type { EmitterData } from "../../lib/protocol/events.ts";

const message: ChatMessage = { id: "m", role: "assistant", content: "Hello", childrenIds: [] };

function after(...events: EmitterData[]): ChatMessage {
  return events.reduce((state, event) => storedChange(event)?.(state) ?? state, message);
}

Deno.test("storedChange() appends, replaces and extends as the protocol says", () => {
  assert.equal(after({ type: "message", data: { content: ", you" } }).content, "Hello, you");
  assert.equal(after({ type: "replace", data: { content: "New" } }).content, "New");
  assert.deepEqual(
    after({ type: "status", data: { description: "a" } }, { type: "status", data: { done: true } })
      .statusHistory,
    [{ description: "a" }, { done: true }],
  );
  assert.deepEqual(
    after({ type: "files", data: { files: [1] } }, { type: "files", data: { files: [2, 3] } })
      .files,
    [1, 2, 3],
  );
  assert.deepEqual(
    after({ type: "embeds", data: { embeds: ["a"] } }, { type: "embeds", data: { embeds: ["b"] } })
      .embeds,
    ["a", "b"],
  );
  assert.deepEqual(
    after(
      { type: "embeds", data: { embeds: ["a"] } },
      { type: "embeds", data: { embeds: ["b"], replace: true } },
    ).embeds,
    ["b"],
  );
  assert.deepEqual(
    after(
      { type: "source", data: { name: "one" } },
      { type: "citation", data: { name: "two" } },
      { type: "citation", data: { type: "code_execution" } },
    ).sources,
    [{ name: "one" }, { name: "two" }],
  );
});

Deno.test("storedChange() stores nothing of other types, whatever their name", () => {
  for (const type of ["chat:completion", "notification", "", "__proto__", "constructor"]) {
    assert.equal(storedChange({ type, data: {} }), undefined, type);
  }
});

Deno.test("storedChange() takes data of any shape without throwing or changing types", () => {
  for (const type of ["status", "message", "replace", "embeds", "files", "source"]) {
    for (const data of [undefined, null, 1, "x", [], { content: 5, files: "no", embeds: {} }]) {
      const changed = after({ type, data });
      assert.equal(typeof changed.content, "string");
      for (const list of [changed.files, changed.embeds, changed.sources, changed.statusHistory]) {
        assert.ok(list === undefined || Array.isArray(list));
      }
    }
  }
});
