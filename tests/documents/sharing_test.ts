import assert from "node:assert/strict";
import { silentLogger } from "../../lib/common/logger.ts";
import { Digester } from "../../lib/documents/digester.ts";
import { documentOfNote } from "../../lib/documents/document_id.ts";
import type { DocumentParts } from "../../lib/documents/document_parts.ts";
import { NoteRecord } from "../../lib/documents/note_record.ts";
import { WeighedDoc } from "../../lib/documents/weighed_doc.ts";
import { keys } from "../../lib/state/key_space.ts";
import { until } from "../support/until.ts";
import { Client, FakeNotes, openStore, startInstance, textJson } from "./fixture.ts";

Deno.test("two instances: what one writes the other shows, saves and clears", async () => {
  await using store = await openStore();
  const notes = new FakeNotes();
  notes.add("n1", { json: textJson("seed") });
  await using a = await startInstance({ store, notes });
  await using b = await startInstance({ store, notes });
  {
    using one = await Client.open(a.url, "ada", "note:n1");
    using two = await Client.open(b.url, "bob", "note_n1", true);
    assert.equal(one.text(), "seed");
    assert.deepEqual(await one.write("more"), { status: true });
    await until(() => two.text() === "seedmore");
    assert.deepEqual(await two.write("!"), { status: true });
    await until(() => one.text() === "seedmore!");
    await until(() => notes.text("n1") === "seedmore!");
    const sessionsSeenBy = (client: Client) =>
      client.all("ydoc:document:state").map(({ sessions }) => (sessions as string[]).sort());
    const both = [one.socket.id, two.socket.id].sort();
    assert.deepEqual([sessionsSeenBy(one), sessionsSeenBy(two)], [[[one.socket.id]], [both]]);
  }
  await until(() => a.documents.size === 0 && b.documents.size === 0, { what: "let go" });
  assert.equal(await store.updateLog(keys.documentUpdates("note_n1")).length(), 0);
  assert.deepEqual(await store.memberSet(keys.documentUsers("note_n1")).members(), []);
});

Deno.test("who is alone saves without a lock, and once more under it when another has come meanwhile", async () => {
  await using store = await openStore();
  using digester = new Digester({ logger: silentLogger });
  const content = new FakeNotes();
  content.add("n");
  const ref = documentOfNote("n");
  const isHeard = [false, false, false, true];
  const topics = { isHeard: () => isHeard.shift() ?? true };
  const parts = { store, topics, content, digester, logger: silentLogger, retainMs: 60_000 };
  const log = store.updateLog(keys.documentUpdates(ref.key));
  const record = new NoteRecord(ref, parts as unknown as DocumentParts, log);
  const locked: boolean[] = [];
  const current = async () => {
    const lock = await store.acquire(keys.documentSaveLock(ref.key), { ttlMs: 30_000 });
    locked.push(!lock);
    await lock?.release();
    return new WeighedDoc();
  };
  await record.save(current);
  assert.deepEqual(locked, [false]);
  await record.save(current);
  assert.deepEqual(locked, [false, false, true]);
  await record.save(current);
  assert.deepEqual(locked, [false, false, true, true]);
  assert.equal(content.saves.length, 4);
});
