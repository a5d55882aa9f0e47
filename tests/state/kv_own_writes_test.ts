import assert from "node:assert/strict";
import { KvOwnWrites } from "../../lib/state/kv_own_writes.ts";

const MIB = 1024 * 1024;
const entry = (name: string, versionstamp: string) => ({
  key: ["t", name],
  value: name,
  versionstamp,
});

Deno.test("what was written last is known, until it is deleted", () => {
  const own = new KvOwnWrites();
  own.set(entry("a", "1"), 10);
  own.set(entry("a", "2"), 10);
  assert.equal(own.get(["t", "a"])?.versionstamp, "2");
  assert.equal(own.get(["t", "b"]), undefined);
  own.delete(["t", "a"]);
  assert.equal(own.get(["t", "a"]), undefined);
});

Deno.test("old entries make room; a new value never gives way to the older one of its key", () => {
  const own = new KvOwnWrites();
  own.set(entry("old", "1"), MIB);
  own.set(entry("again", "1"), MIB);
  for (let i = 0; i < 20; i++) own.set(entry(`x${i}`, "1"), MIB);
  own.set(entry("again", "2"), MIB);
  for (let i = 20; i < 22; i++) own.set(entry(`x${i}`, "1"), MIB);
  assert.equal(own.get(["t", "old"]), undefined);
  assert.equal(own.get(["t", "again"])?.versionstamp, "2");
  own.delete(["t", "again"]);
  assert.equal(own.get(["t", "again"]), undefined);
});

Deno.test("a key that is written again and again takes its place once", () => {
  const own = new KvOwnWrites();
  own.set(entry("kept", "1"), 10);
  for (let i = 0; i < 100; i++) own.set(entry("hot", `${i}`), MIB);
  assert.equal(own.get(["t", "kept"])?.versionstamp, "1");
});
