import assert from "node:assert/strict";
import * as Y from "yjs";
import { silentLogger } from "../../lib/common/logger.ts";
import { Digester } from "../../lib/documents/digester.ts";
import { scanUpdate } from "../../lib/documents/update_scan.ts";
import { keys } from "../../lib/state/key_space.ts";
import { chain, conflicting, deepValue, nested } from "../abuse/yjs_attacks.ts";
import { until } from "../support/until.ts";
import { longestPause } from "../support/loop_pauses.ts";
import { Client, FakeNotes, openStore, startInstance, textJson } from "./fixture.ts";

const LOG = keys.documentUpdates("note_n1");
/** What takes minutes, or all memory, where it is applied; the rest is the machine's own noise. */
const PAUSE_MS = 1_000;

const HARMFUL: Record<string, () => Uint8Array> = {
  "X1: a chain that Yjs merges one by one": () => chain(40_000),
  "X3: items that all conflict": () => conflicting(49_000),
  "X1: elements nested without end": () => nested(40_000),
  "X14: values nested without end": () => deepValue(100_000),
};

for (const [what, make] of Object.entries(HARMFUL)) {
  Deno.test(`${what} are refused before they are logged, and others go on`, async () => {
    await using store = await openStore();
    const notes = new FakeNotes();
    notes.add("n1", {});
    notes.add("n2", {});
    await using a = await startInstance({ store, notes });
    using mallory = await Client.open(a.url, "mallory", "note:n1", true);
    using ada = await Client.open(a.url, "ada", "note:n2");
    const update = make();
    const pauseMs = await longestPause(async () => {
      const answer = mallory.update(update);
      await ada.write("first");
      const { status, error } = await answer;
      assert.equal(status, false);
      assert.match(error?.code ?? "", /^(too_large|invalid_payload)$/);
    });
    assert.ok(pauseMs < PAUSE_MS, `${pauseMs} ms`);
    assert.equal(await store.updateLog(LOG).length(), 0, "nothing of it is kept");
    using bob = await Client.open(a.url, "bob", "note:n1");
    await bob.write("mine");
    assert.equal(bob.text(), "mine", "the document is as it was");
  });
}

Deno.test("X1, X3: what another program put into the log neither ends the instance nor strikes again", async () => {
  await using store = await openStore();
  const notes = new FakeNotes();
  notes.add("n1", {});
  const honest = new Y.Doc();
  honest.getXmlFragment("prosemirror").insert(0, [new Y.XmlText("kept")]);
  await store.updateLog(LOG).append(Y.encodeStateAsUpdate(honest), chain(40_000), nested(30_000));
  await using a = await startInstance({ store, notes });
  const pauseMs = await longestPause(async () => {
    using ada = new Client(a.url, "ada", "note:n1");
    await ada.connected();
    const joined = await ada.socket.timeout(170_000).emitWithAck("ydoc:document:join", {
      document_id: "note:n1",
    });
    assert.equal(joined.status, true);
    await until(() => ada.text() === "kept", { what: "what is not harmful" });
  });
  assert.ok(pauseMs < PAUSE_MS, `${pauseMs} ms`);
  const [left, ...more] = await store.updateLog(LOG).read();
  assert.equal(more.length, 0);
  assert.ok((left?.length ?? 0) < 1_000, "it is taken out of the log");
});

Deno.test("X3: small updates that add up to a costly document are refused in time, too", async () => {
  await using store = await openStore();
  const notes = new FakeNotes();
  notes.add("n1", {});
  await using a = await startInstance({ store, notes });
  using mallory = await Client.open(a.url, "mallory", "note:n1", true);
  const codes = new Set<string>();
  const pauseMs = await longestPause(async () => {
    for (let at = 0; at < 60 && codes.size === 0; at++) {
      const { error } = await mallory.update(conflicting(5_000, 10_000_000 + at * 10_000));
      if (error) codes.add(error.code);
    }
  });
  assert.ok(pauseMs < PAUSE_MS, `${pauseMs} ms`);
  assert.ok([...codes].every((code) => ["too_large", "rate_limited"].includes(code)));
  assert.equal(codes.size, 1, "there is an end");
});

Deno.test("X3: updates of several tabs that are tried at once are weighed with each other", async () => {
  await using store = await openStore();
  const notes = new FakeNotes();
  notes.add("n1", {});
  await using a = await startInstance({ store, notes });
  using tabs = new DisposableStack();
  const sockets: Client["socket"][] = [];
  for (let at = 0; at < 5; at++) {
    const { socket } = tabs.use(await Client.open(a.url, `mallory${at}`, "note:n1", true));
    // What the others have brought need not be computed here, too.
    sockets.push(socket.offAny());
  }
  const answers: { status: boolean }[] = [];
  const pauseMs = await longestPause(async () => {
    const all = sockets.map((socket, at) =>
      socket.timeout(120_000).emitWithAck("ydoc:document:update", {
        document_id: "note:n1",
        update: conflicting(1_500, 10_000_000 + at * 10_000),
      })
    );
    answers.push(...await Promise.all(all));
  });
  assert.ok(pauseMs < PAUSE_MS, `${pauseMs} ms`);
  const taken = answers.filter(({ status }) => status).length;
  assert.ok(taken < answers.length, `${taken}, each of which was tried alone`);
});

Deno.test("X9: a document takes what it weighs in memory, and a session so many documents", async () => {
  await using store = await openStore();
  const notes = new FakeNotes();
  for (let at = 0; at < 4; at++) notes.add(`n${at}`, {});
  const limits = { maxOpenDocuments: 2, maxDocumentWeight: 2_000_000, maxOpenWeight: 3_000_000 };
  await using a = await startInstance({ store, notes, ...limits });
  using ada = await Client.open(a.url, "ada", "note:n1", true);
  const join = (id: string) => ada.send("ydoc:document:join", { document_id: id });
  assert.equal((await join("note:n2")).status, true);
  assert.match((await join("note:n3")).error?.message ?? "", /^QUOTA_OPEN_DOCUMENTS/);
  const { error } = await ada.update(nested(5_000));
  assert.equal(error?.code, "too_large", "30 KB that take 3 MB");
});

Deno.test("large texts are made into notes beside the event loop", async () => {
  await using store = await openStore();
  const notes = new FakeNotes();
  notes.add("n1", { json: textJson(...Array.from({ length: 20_000 }, (_, at) => `line ${at}`)) });
  // Four times its usual time: where others compute, this takes as much longer.
  const digester = new Digester({ logger: silentLogger, limitMs: 80_000 });
  await using a = await startInstance({ store, notes, digester });
  using ada = await Client.open(a.url, "ada", "note:n1");
  const pauseMs = await longestPause(async () => {
    await ada.write("more");
    await until(() => notes.saves.length > 0, { limitMs: 80_000, what: "the save" });
  });
  assert.match(notes.saves[0]?.snapshot.md ?? "", /line 19999\n\nmore$/);
  assert.ok(pauseMs < PAUSE_MS, `${pauseMs} ms`);
});

Deno.test("X2: a thread that died of its work is replaced", async () => {
  using digester = new Digester({ logger: silentLogger });
  const state = Y.encodeStateAsUpdate(new Y.Doc());
  await assert.rejects(digester.run("trial", { state, update: chain(40_000) }), {
    code: "too_large",
  });
  assert.equal(digester.stats().deaths, 1);
  const { depth } = await digester.run("trial", { state, update: nested(20) });
  assert.equal(depth, 21);
});

Deno.test("work that waits when the digester is disposed starts no other thread, and is nobody's fault", async () => {
  const digester = new Digester({ logger: silentLogger });
  const state = Y.encodeStateAsUpdate(new Y.Doc());
  const trial = (update: Uint8Array) => digester.run("trial", { state, update });
  await trial(nested(20));
  const waiting = [chain(40_000), nested(20), nested(20)].map(trial);
  const ends = waiting.map((one) => assert.rejects(one, { code: "unavailable" }));
  await new Promise((resolve) => setTimeout(resolve, 50));
  digester[Symbol.dispose]();
  await Promise.all(ends);
  assert.equal(digester.stats().deaths, 0);
});

Deno.test("an update's parts are counted as Yjs reads them", () => {
  const doc = new Y.Doc();
  const fragment = doc.getXmlFragment("prosemirror");
  const paragraph = new Y.XmlElement("p");
  paragraph.setAttribute("a", { b: [1, 2.5, "ü", null, true, 2n ** 60n] } as unknown as string);
  const text = new Y.XmlText("text 🙂");
  fragment.insert(0, [paragraph, text, new Y.XmlHook("hook") as unknown as Y.XmlText]);
  text.format(1, 2, { bold: { deep: true } });
  text.insertEmbed(1, { image: "x" });
  doc.getMap("m").set("k", new Uint8Array([1, 2]));
  doc.getArray("list").insert(0, [1, "two", { three: 3 }]);
  fragment.delete(2, 1);
  const update = Y.encodeStateAsUpdate(doc);
  const { structs } = Y.decodeUpdate(update);
  const size = scanUpdate(update);
  assert.equal(size.structs, structs.length);
  assert.equal(size.types, 2);
  assert.equal(size.deletions, 1);
  for (let length = 0; length < update.length; length++) {
    assert.throws(() => scanUpdate(update.subarray(0, length)), { code: "invalid_payload" });
  }
});

Deno.test("X10: cursors that flood in are merged for each client, and the newest is seen", async () => {
  await using store = await openStore();
  const notes = new FakeNotes();
  notes.add("n1", {});
  await using a = await startInstance({ store, notes });
  using reader = await Client.open(a.url, "reader", "note:n1");
  using ada = await Client.open(a.url, "ada", "note:n1");
  const send = (at: number) =>
    reader.send("ydoc:awareness:update", {
      document_id: "note:n1",
      update: [...new TextEncoder().encode(JSON.stringify({ 77: { at, x: "x".repeat(4_000) } }))],
    });
  const floods = Array.from({ length: 500 }, (_, at) => send(at));
  assert.ok((await Promise.all(floods)).every(({ status }) => status));
  const last = () => {
    const { update } = ada.all("ydoc:awareness:update").at(-1) ?? {};
    return new TextDecoder().decode(new Uint8Array(update as number[]));
  };
  await until(() => last().includes('"at":499'), { what: "the newest state" });
  const shown = ada.all("ydoc:awareness:update").length;
  assert.ok(shown < 100, `${shown} of 500 were sent on`);
});
