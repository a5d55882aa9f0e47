import assert from "node:assert/strict";
import * as Y from "yjs";
import { silentLogger } from "../../lib/common/logger.ts";
import { Digester } from "../../lib/documents/digester.ts";
import { keys } from "../../lib/state/key_space.ts";
import { FaultyStore } from "../support/faulty_store.ts";
import { until } from "../support/until.ts";
import { Client, FakeNotes, openStore, startInstance, textJson, textOf } from "./fixture.ts";

const LOG = keys.documentUpdates("note_n1");

Deno.test("D1: a note made by the API, opened by readers and writers at two instances at once", async () => {
  for (let round = 0; round < 5; round++) {
    await using store = await openStore();
    const notes = new FakeNotes();
    notes.add("n1", { md: "# Title\n\ntext" });
    await using a = await startInstance({ store, notes });
    await using b = await startInstance({ store, notes });
    using reader = await Client.open(a.url, "reader", "note:n1");
    const [one, two, three] = await Promise.all([
      Client.open(a.url, "ada", "note:n1"),
      Client.open(b.url, "bob", "note:n1"),
      Client.open(b.url, "cy", "note:n1"),
    ]);
    using _one = one;
    using _two = two;
    using _three = three;
    for (const client of [reader, one, two, three]) assert.equal(client.text(), "Titletext");
    assert.ok(notes.loads <= 2, "one reading of the note serves all who join");
    await two.write("!");
    await until(() => reader.text() === "Titletext!");
    await until(() => notes.text("n1") === "Titletext!");
  }
});

Deno.test("D1: an editor that comes back with its own copy after the document was cleared doubles nothing", async () => {
  await using store = await openStore();
  const notes = new FakeNotes();
  notes.add("n1", { json: textJson("seed") });
  await using a = await startInstance({ store, notes });
  using first = await Client.open(a.url, "ada", "note:n1");
  await first.write("mine");
  first.socket.disconnect();
  await until(async () => (await store.updateLog(LOG).length()) === 0 && a.documents.size === 0);
  // Somebody writes by HTTP while nobody edits: known here as a change, not as a new text.
  notes.add("n1", { json: textJson("seed", "mine", "api") });
  using again = new Client(a.url, "ada", "note:n1");
  Y.applyUpdate(again.doc, Y.encodeStateAsUpdate(first.doc), "server");
  await again.connected();
  await again.join();
  assert.equal(again.text(), "seedmineapi");
});

Deno.test("D2, 10.4: a bare update is saved, also after a snapshot that did not have it, and at a disconnect", async () => {
  await using store = await openStore();
  const notes = new FakeNotes();
  notes.add("n1", {});
  await using a = await startInstance({
    store,
    notes,
    saving: { quietMs: 60_000, maxWaitMs: 60_000 },
  });
  using one = await Client.open(a.url, "ada", "note:n1");
  await one.write("first");
  await one.send("ydoc:document:update", {
    document_id: "note:n1",
    data: { content: { md: "first", html: "<p>first</p>", json: textJson("first") } },
  });
  await one.write("second");
  assert.equal(notes.saves.length, 0);
  one.socket.disconnect();
  await until(() => notes.saves.length === 1);
  assert.deepEqual(notes.notes.get("n1"), {
    json: textJson("first", "second"),
    md: "first\n\nsecond",
    html: "<p>first</p><p>second</p>",
  });
});

Deno.test("D2: a snapshot alone is saved, and its HTML made from what it says", async () => {
  await using store = await openStore();
  const notes = new FakeNotes();
  notes.add("n1", { json: textJson("x") });
  await using a = await startInstance({ store, notes });
  using one = await Client.open(a.url, "ada", "note:n1");
  const content = { md: "*x*", html: "<script>x</script>" };
  const answer = await one.send("ydoc:document:update", {
    document_id: "note:n1",
    data: { content },
  });
  assert.deepEqual(answer, { status: true });
  await until(() => notes.notes.get("n1")?.html === "<p><em>x</em></p>");
  assert.equal(notes.notes.get("n1")?.md, "*x*");
});

Deno.test("D3: a write by HTTP while editors are open is merged with what they have not saved", async () => {
  await using store = await openStore();
  const notes = new FakeNotes();
  notes.add("n1", { json: textJson("one", "two") });
  await using a = await startInstance({
    store,
    notes,
    saving: { quietMs: 2_000, maxWaitMs: 5_000 },
  });
  await using b = await startInstance({ store, notes });
  using editor = await Client.open(a.url, "ada", "note:n1");
  await editor.write("typed");
  const written = { json: textJson("one", "two by api"), md: "one\n\ntwo by api" };
  // By an instance where nobody edits.
  const keep = (isMerged: boolean) => {
    if (!isMerged) notes.add("n1", written);
    return Promise.resolve(isMerged);
  };
  assert.equal(await b.documents.writeText("n1", written, keep), true);
  await until(() => editor.text() === "onetwo by apityped", { what: "the merge" });
  await until(() => notes.text("n1") === "onetwo by apityped", { what: "the save" });
  assert.equal(notes.text("n1"), "onetwo by apityped", "saved when the writer is answered");
  assert.equal(await b.documents.writeText("other", written, keep), false);
});

Deno.test("D4: a paste of 5 MB is taken as an attachment; one too large is refused, and the socket lives", async () => {
  await using store = await openStore();
  const notes = new FakeNotes();
  notes.add("n1", {});
  await using a = await startInstance({ store, notes });
  using one = await Client.open(a.url, "ada", "note:n1", true);
  using two = await Client.open(a.url, "bob", "note:n1");
  assert.deepEqual(await one.write("x".repeat(5_000_000)), { status: true });
  await until(() => two.text().length === 5_000_000);
  await until(() => notes.text("n1").length === 5_000_000);
  const refused = await one.write("y".repeat(8_500_000));
  assert.equal(refused?.error?.code, "too_large");
  const numbers = await two.write("z".repeat(2_000_000));
  assert.deepEqual(numbers, { status: true }, "2 MB as numbers");
  assert.ok(one.socket.connected && two.socket.connected);
});

Deno.test("a document has a size that it can't outgrow, however small the updates", async () => {
  await using store = await openStore();
  const notes = new FakeNotes();
  notes.add("n1", {});
  await using a = await startInstance({ store, notes, maxDocumentBytes: 2_000 });
  using one = await Client.open(a.url, "ada", "note:n1");
  const answers = [];
  for (let at = 0; at < 40; at++) answers.push(await one.write("x".repeat(100)));
  assert.equal(answers.at(-1)?.error?.code, "too_large");
  assert.ok(answers.filter((answer) => answer?.status).length > 5);
});

Deno.test("D6: leave and join in the same moment, a thousand times: no edit is dropped", async () => {
  await using store = await openStore();
  const notes = new FakeNotes();
  notes.add("n1", {});
  await using a = await startInstance({ store, notes });
  await using b = await startInstance({ store, notes });
  using one = await Client.open(a.url, "ada", "note:n1");
  using two = await Client.open(b.url, "bob", "note:n1");
  for (let round = 0; round < 500; round++) {
    const [gone, back] = round % 2 ? [one, two] : [two, one];
    const moves = [gone.leave(), gone.join(), back.leave(), back.join()];
    for (const answer of await Promise.all(moves)) assert.deepEqual(answer, { status: true });
    if (round % 5 > 0) continue;
    const answer = await gone.write(`[${round}]`);
    assert.deepEqual(answer, { status: true });
  }
  const expected = Array.from({ length: 100 }, (_, at) => `[${at * 5}]`).sort().join();
  const words = (text: string) => (text.match(/\[\d+\]/g) ?? []).sort().join();
  await until(() => words(one.text()) === expected && words(two.text()) === expected);
  await until(() => words(notes.text("n1")) === expected);
});

Deno.test("D6: the last editor leaves while the one before is being taken out: the document is let go", async () => {
  await using faulty = await FaultyStore.open();
  const notes = new FakeNotes();
  notes.add("n1", { json: textJson("kept") });
  await using a = await startInstance({ store: faulty.store, notes });
  using one = await Client.open(a.url, "ada", "note:n1");
  using two = await Client.open(a.url, "bob", "note:n1");
  faulty.hung = true;
  await one.leave();
  await two.leave();
  faulty.hung = false;
  await until(() => a.documents.size === 0, { what: "the end of the document" });
  assert.equal(notes.text("n1"), "kept");
  assert.equal(await faulty.real.updateLog(LOG).length(), 0);
  assert.deepEqual(await faulty.real.memberSet(keys.documentUsers("note_n1")).members(), []);
});

Deno.test("D7, 10.4: a failing store keeps the document and tells the editors; healed, it has the edit", async () => {
  await using store = await openStore();
  const notes = new FakeNotes();
  notes.add("n1", {});
  notes.failing = true;
  await using a = await startInstance({ store, notes });
  using one = await Client.open(a.url, "ada", "note:n1");
  await one.write("kept");
  await until(() => one.all("error").some(({ code }) => code === "unavailable"));
  one.socket.disconnect();
  await until(() => a.documents.size === 1);
  assert.ok((await store.updateLog(LOG).length()) > 0, "10.4: not cleared before it is saved");
  notes.failing = false;
  await until(() => a.documents.size === 0);
  assert.equal(notes.text("n1"), "kept");
  assert.equal(await store.updateLog(LOG).length(), 0);
});

Deno.test("D7: a slow store is never asked twice at once", async () => {
  await using store = await openStore();
  const notes = new FakeNotes();
  notes.add("n1", {});
  notes.slowMs = 150;
  await using a = await startInstance({ store, notes });
  await using b = await startInstance({ store, notes });
  using one = await Client.open(a.url, "ada", "note:n1");
  using two = await Client.open(b.url, "bob", "note:n1");
  for (let at = 0; at < 100; at++) {
    const answer = (at % 2 ? one : two).write(`${at},`);
    if (at % 4 > 0) continue;
    await answer;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  await until(() => notes.text("n1").split(",").length === 101);
  assert.equal(notes.mostSaving, 1);
  assert.ok(notes.saves.length < 100, "fewer saves than edits");
});

Deno.test("D7: a shutdown saves what is unsaved", async () => {
  await using store = await openStore();
  const notes = new FakeNotes();
  notes.add("n1", {});
  const a = await startInstance({ store, notes, saving: { quietMs: 60_000, maxWaitMs: 60_000 } });
  using one = await Client.open(a.url, "ada", "note:n1");
  await one.write("unsaved");
  await a[Symbol.asyncDispose]();
  assert.equal(notes.text("n1"), "unsaved");
  assert.equal(await store.updateLog(LOG).length(), 0);
});

Deno.test("while edits go on, the note is saved now and then", async () => {
  await using store = await openStore();
  const notes = new FakeNotes();
  notes.add("n1", {});
  await using a = await startInstance({ store, notes, saving: { quietMs: 100, maxWaitMs: 200 } });
  using one = await Client.open(a.url, "ada", "note:n1");
  let count = 0;
  await until(async () => {
    await one.write(`${count++}`);
    return notes.saves.length >= 2;
  }, { everyMs: 10, what: "a save between edits that never pause" });
});

Deno.test("D8: 50,000 updates open within the time of a join", async () => {
  await using store = await openStore();
  const notes = new FakeNotes();
  notes.add("n1", {});
  const source = new Y.Doc();
  const updates: Uint8Array[] = [];
  source.on("update", (update: Uint8Array) => updates.push(update));
  const text = new Y.XmlText();
  source.getXmlFragment("prosemirror").insert(0, [text]);
  for (let at = 0; at < 50_000; at++) text.insert(text.length, "a");
  await store.updateLog(LOG).append(...updates);
  // Four times its usual time: where others compute, this takes as much longer.
  const digester = new Digester({ logger: silentLogger, limitMs: 80_000 });
  await using a = await startInstance({ store, notes, digester });
  using one = await Client.open(a.url, "ada", "note:n1", true);
  assert.equal(one.text().length, 50_000);
});

Deno.test("10.6: the edits of an instance that was killed are saved, its sockets taken out", async () => {
  await using store = await openStore();
  const notes = new FakeNotes();
  notes.add("n1", {});
  const a = await startInstance({ store, notes, saving: { quietMs: 60_000, maxWaitMs: 60_000 } });
  await using b = await startInstance({ store, notes });
  using one = await Client.open(a.url, "ada", "note:n1");
  const sid = one.socket.id ?? "";
  await one.write("acknowledged");
  await a.kill();
  assert.equal(notes.text("n1"), "");
  await b.documents.onSessionReaped(sid, { id: "ada", name: "Ada" });
  assert.equal(notes.text("n1"), "acknowledged");
  await until(() => b.documents.size === 0);
  assert.equal(await store.updateLog(LOG).length(), 0);
  assert.deepEqual(await store.memberSet(keys.sessionDocuments(sid)).members(), []);
});

Deno.test("10.6: a document that nobody closed is closed by the sweep", async () => {
  await using store = await openStore();
  const notes = new FakeNotes();
  notes.add("n1", {});
  notes.failing = true;
  const a = await startInstance({ store, notes });
  {
    using one = await Client.open(a.url, "ada", "note:n1");
    await one.write("left behind");
  }
  await until(() => a.documents.size === 1);
  await a.kill();
  notes.failing = false;
  await using b = await startInstance({ store, notes });
  const job = b.documents.sweepJob();
  const context = {
    signal: new AbortController().signal,
    deadAmong: () => Promise.resolve(new Set<string>()),
  };
  await job.sweep(context);
  await job.sweep(context);
  assert.equal(textOf(notes.notes.get("n1")?.json), "left behind");
  await until(async () => (await store.updateLog(LOG).length()) === 0);
  for await (const page of store.dictionary(keys.openDocuments).scan()) assert.deepEqual(page, []);
});

Deno.test("D6: who has lost the document's lock to another does not clear its log", async () => {
  await using store = await openStore();
  const notes = new FakeNotes();
  notes.add("n1", { json: textJson("x") });
  let renewals = 0;
  let isLost = true;
  const acquire = store.acquire.bind(store);
  store.acquire = async (key, options) => {
    const lock = await acquire(key, options);
    if (!lock || String(key) !== String(keys.documentLock("note_n1"))) return lock;
    return {
      owner: lock.owner,
      renew: () => {
        renewals++;
        return isLost ? Promise.resolve(false) : lock.renew();
      },
      release: () => lock.release(),
      [Symbol.asyncDispose]: () => lock[Symbol.asyncDispose](),
    };
  };
  await using a = await startInstance({ store, notes });
  const log = store.updateLog(keys.documentUpdates("note_n1"));
  using editor = await Client.open(a.url, "ada", "note:n1");
  await editor.write("typed");
  await editor.leave();
  await until(() => renewals > 1, { what: "two tries to clear" });
  assert.ok(await log.length() > 0, "the log is another's to clear");
  isLost = false;
  await until(async () => await log.length() === 0, { what: "the log to be cleared" });
  assert.equal(notes.text("n1"), "xtyped");
});
