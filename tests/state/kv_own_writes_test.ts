import assert from "node:assert/strict";
import { KvOwnWrites } from "../../lib/state/kv_own_writes.ts";

const MIB = 1024 * 1024;
const keep = (own: KvOwnWrites, one: ReturnType<typeof entry>, bytes: number) =>
  own.set(one.value, one, bytes);
const entry = (name: string, versionstamp: string) => ({
  key: ["t", name],
  value: name,
  versionstamp,
});

Deno.test("what was written last is known, until it is deleted", () => {
  const own = new KvOwnWrites();
  keep(own, entry("a", "1"), 10);
  keep(own, entry("a", "2"), 10);
  assert.equal(own.get("a")?.versionstamp, "2");
  assert.equal(own.get("b"), undefined);
  own.delete("a");
  assert.equal(own.get("a"), undefined);
});

Deno.test("old entries make room; a new value never gives way to the older one of its key", () => {
  const own = new KvOwnWrites();
  keep(own, entry("old", "1"), MIB);
  keep(own, entry("again", "1"), MIB);
  for (let i = 0; i < 20; i++) keep(own, entry(`x${i}`, "1"), MIB);
  keep(own, entry("again", "2"), MIB);
  for (let i = 20; i < 22; i++) keep(own, entry(`x${i}`, "1"), MIB);
  assert.equal(own.get("old"), undefined);
  assert.equal(own.get("again")?.versionstamp, "2");
  own.delete("again");
  assert.equal(own.get("again"), undefined);
});

Deno.test("a key that is written again and again takes its place once", () => {
  const own = new KvOwnWrites();
  keep(own, entry("kept", "1"), 10);
  for (let i = 0; i < 100; i++) keep(own, entry("hot", `${i}`), MIB);
  assert.equal(own.get("kept")?.versionstamp, "1");
});
