import assert from "node:assert/strict";
import { MemoryHub } from "../../lib/bus/kv_bus.ts";
import { silentLogger as logger } from "../../lib/common/logger.ts";
import { keys } from "../../lib/state/key_space.ts";
import type { StateStore } from "../../lib/state/state_store.ts";
import { hubOf, onBus } from "../support/faulty_bus.ts";
import { until } from "../support/until.ts";
import { Client, FakeNotes, openStore, startInstance, textJson } from "./fixture.ts";

const written = { json: textJson("by HTTP"), md: "by HTTP\n" };
const merged = (isMerged: boolean) => Promise.resolve(isMerged);

Deno.test("D3: a note without a text that is open elsewhere gets what is written by HTTP", async () => {
  await using store = await openStore();
  const notes = new FakeNotes();
  notes.add("n1", { json: null, md: "" });
  await using a = await startInstance({ store, notes });
  await using b = await startInstance({ store, notes });
  using editor = await Client.open(a.url, "ada", "note:n1");
  assert.equal(await b.documents.writeText("n1", written, merged), true);
  await until(() => editor.text() === "by HTTP", { what: "the text at the editor" });
  assert.equal(notes.notes.get("n1")?.md, "by HTTP\n", "its writer's own Markdown");
  await editor.write("typed");
  await until(() => notes.text("n1") === "by HTTPtyped", { what: "both in the note" });
});

Deno.test("D3: who opens a note while it is written by HTTP gets what is written", async () => {
  await using store = await openStore();
  const notes = new FakeNotes();
  notes.add("n1", { json: textJson("old") });
  await using a = await startInstance({ store, notes });
  await using b = await startInstance({ store, notes });
  using editor = new Client(a.url, "ada", "note:n1");
  await editor.connected();
  let asked = 0;
  const real = notes.mayRead.bind(notes);
  notes.mayRead = (user, note) => (asked++, real(user, note));
  let joined: Promise<unknown> | undefined;
  const isMerged = await b.documents.writeText("n1", written, async (answer) => {
    joined = editor.join();
    await until(() => asked > 0, { what: "the join" });
    // Time enough to open it, for who does not wait.
    for (let turn = 0; turn < 50; turn++) await store.ping(1_000);
    notes.add("n1", written);
    return answer;
  });
  assert.equal(isMerged, false);
  await joined;
  assert.equal(editor.text(), "by HTTP");
  await editor.write("typed");
  await until(() => notes.text("n1") === "by HTTPtyped");
});

/** The store, which keeps the Yjs state of a note only once the gate is open. */
function heldBack(store: StateStore, gate: Promise<void>): StateStore {
  const held = JSON.stringify(keys.documentState("note_n1"));
  const set: StateStore["values"]["set"] = async (key, value, options) => {
    if (JSON.stringify(key) === held) await gate;
    await store.values.set(key, value, options);
  };
  return { ...store, values: { ...store.values, set } };
}

for (const where of ["where it is edited", "elsewhere"]) {
  Deno.test(`D3: a text is written by HTTP ${where} while a save is half done: nothing comes twice`, async () => {
    await using store = await openStore();
    const notes = new FakeNotes();
    notes.add("n1", { json: textJson("one ") });
    const gate = Promise.withResolvers<void>();
    const isElsewhere = where === "elsewhere";
    const { topics } = onBus((isElsewhere ? hubOf(store) : new MemoryHub(logger)).connect());
    await using a = await startInstance({ store: heldBack(store, gate.promise), topics, notes });
    await using b = isElsewhere ? await startInstance({ store, notes }) : undefined;
    using editor = await Client.open(a.url, "ada", "note:n1");
    await editor.write("two");
    await until(() => notes.text("n1") === "one two", { what: "the text to be saved" });
    const { documents } = b ?? a;
    const writing = documents.writeText("n1", { json: textJson("one two", "three") }, merged);
    // Time enough to merge it, for who does not wait for the rest of the save.
    for (let turn = 0; turn < 50; turn++) await store.ping(1_000);
    gate.resolve();
    assert.equal(await writing, true);
    await until(() => editor.text() === "one twothree", { what: "the text at the editor" });
    await until(() => notes.text("n1") === "one twothree", { what: "the text in the note" });
  });
}
