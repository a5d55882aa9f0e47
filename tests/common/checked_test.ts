import assert from "node:assert/strict";
import * as v from "valibot";
import { checked } from "../../lib/common/checked.ts";
import { AnyChatIdSchema, IdSchema } from "../../lib/protocol/schemas/chat.ts";

const Schema = v.object({
  model: v.string(),
  role: v.optional(v.picklist(["user", "admin"])),
  by: v.optional(v.record(v.string(), v.number())),
});

const refusal = (schema: v.GenericSchema, payload: unknown): string => {
  try {
    checked(schema, payload);
  } catch (thrown) {
    assert.deepEqual((thrown as { code: string }).code, "invalid_payload");
    return (thrown as Error).message;
  }
  return "";
};

Deno.test("a refusal names the field at fault, and never says a text back", () => {
  assert.equal(refusal(Schema, {}), 'model: Invalid key: Expected "model" but received undefined');
  assert.equal(
    refusal(Schema, { model: 5 }),
    "model: Invalid type: Expected string but received 5",
  );
  const secret = "correct horse ".repeat(100_000);
  for (const payload of [secret, { model: "m", role: secret }, { model: "m", by: secret }]) {
    const text = refusal(Schema, payload);
    assert.match(text, /received a text$/);
    assert.doesNotMatch(text, /horse/);
  }
  assert.equal(refusal(Schema, { model: "m", by: { [secret]: "x" } }).length, 300);
});

Deno.test("an id is no path, no key and no name that objects have", () => {
  const long = "x".repeat(129);
  for (const id of ["", "a/b", "a:b", "ü", "a b", long, "__proto__", "constructor", 5, null]) {
    assert.notEqual(refusal(IdSchema, id), "", String(id));
    assert.notEqual(refusal(AnyChatIdSchema, id), "", String(id));
  }
  for (const id of [crypto.randomUUID(), "a", "..", "A_b-c.d~e"]) {
    assert.equal(refusal(IdSchema, id), "", id);
  }
  assert.equal(refusal(AnyChatIdSchema, "local:x"), "");
  assert.match(refusal(AnyChatIdSchema, "channel:x"), /^must be letters, digits and _/);
});
