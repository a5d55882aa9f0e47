import assert from "node:assert/strict";
import * as Y from "yjs";
import { applyAwarenessUpdate, Awareness, encodeAwarenessUpdate } from "y-protocols/awareness";
import { silentLogger } from "../../lib/common/logger.ts";
import { pause } from "../../lib/common/pause.ts";
import { Digester } from "../../lib/documents/digester.ts";
import { WeighedDoc } from "../../lib/documents/weighed_doc.ts";
import { keys } from "../../lib/state/key_space.ts";
import type { StateStore } from "../../lib/state/state_store.ts";
import { until } from "../support/until.ts";
import { Client, FakeNotes, type Instance, openStore, startInstance, textJson } from "./fixture.ts";

const update = (text: string) => {
  const doc = new Y.Doc();
  doc.getText("t").insert(0, text);
  return Array.from(Y.encodeStateAsUpdate(doc));
};
const id = { document_id: "note:n1" };
const EVENTS: [name: string, payload: object][] = [
  ["ydoc:document:state", id],
  ["ydoc:document:update", { ...id, update: update("x") }],
  ["ydoc:document:update", { ...id, data: { content: { md: "x" } } }],
  ["ydoc:document:leave", id],
  ["ydoc:awareness:update", { ...id, update: Array.from(new TextEncoder().encode('{"1":{}}')) }],
];

/** Nothing of a document is left but what outlives it on purpose. */
async function assertNothingLeft(store: StateStore, key: string, sids: string[]): Promise<void> {
  assert.equal(await store.updateLog(keys.documentUpdates(key)).length(), 0);
  assert.deepEqual(await store.memberSet(keys.documentUsers(key)).members(), []);
  for await (const page of store.dictionary(keys.openDocuments).scan()) assert.deepEqual(page, []);
  for (const sid of sids) {
    assert.deepEqual(await store.memberSet(keys.sessionDocuments(sid)).members(), []);
  }
}

async function withNote(work: (a: Instance, notes: FakeNotes, b: Instance) => Promise<void>) {
  await using store = await openStore();
  const notes = new FakeNotes();
  notes.add("n1", { json: textJson("secret") });
  await using a = await startInstance({ store, notes });
  await using b = await startInstance({ store, notes });
  await work(a, notes, b);
  const log = store.updateLog(keys.documentUpdates("note_n1"));
  await until(async () => a.documents.size > 0 || (await log.length()) === 0);
}

const SPELLINGS = ["note:n1", "note_n1"];

Deno.test("D5: every handler refuses a socket without a session", () =>
  withNote(async (a, notes) => {
    using editor = await Client.open(a.url, "ada", "note:n1");
    using nobody = new Client(a.url, undefined, "note:n1");
    await nobody.connected();
    for (
      const [name, payload] of [
        ...EVENTS,
        ["ydoc:document:join", id] as const,
        ["join-note", { note_id: "n1" }] as const,
      ]
    ) {
      const { error } = await nobody.send(name, payload);
      assert.equal(error?.code, "unauthenticated", name);
    }
    assert.deepEqual(editor.heard.map(({ name }) => name), ["ydoc:document:state"]);
    assert.equal(nobody.heard.length, 0);
    assert.equal(notes.saves.length, 0);
  }));

Deno.test("D5, 10.12: every handler refuses who has not joined, in every spelling", () =>
  withNote(async (a, notes) => {
    using editor = await Client.open(a.url, "ada", "note:n1");
    using other = new Client(a.url, "bob", "note:n1");
    await other.connected();
    for (const [name, payload] of EVENTS) {
      for (const document_id of SPELLINGS) {
        const { error } = await other.send(name, { ...payload, document_id });
        assert.equal(error?.code, "forbidden", name);
      }
    }
    assert.deepEqual(editor.heard.map(({ name }) => name), ["ydoc:document:state"]);
    assert.equal(notes.saves.length, 0);
  }));

Deno.test("10.12: who may not read joins in no spelling; only notes are documents", () =>
  withNote(async (a) => {
    using stranger = new Client(a.url, "stranger", "note:n1");
    await stranger.connected();
    for (const document_id of SPELLINGS) {
      const { error } = await stranger.send("ydoc:document:join", { document_id });
      assert.equal(error?.code, "forbidden");
    }
    for (const document_id of ["n1", "chat:n1", "note:missing"]) {
      const { error } = await stranger.send("ydoc:document:join", { document_id });
      assert.ok(["not_found", "forbidden"].includes(error?.code ?? ""), document_id);
    }
    const note = await stranger.send("join-note", { note_id: "n1" });
    assert.equal(note.error?.code, "forbidden");
    assert.equal(stranger.heard.length, 0);
    using ada = new Client(a.url, "ada", "note:missing");
    await ada.connected();
    assert.equal((await ada.join()).error?.code, "not_found");
    assert.equal(a.documents.size, 0);
  }));

Deno.test("a reader sees and points, and changes nothing", () =>
  withNote(async (a, notes) => {
    using editor = await Client.open(a.url, "ada", "note:n1");
    using reader = await Client.open(a.url, "reader", "note:n1");
    assert.equal(reader.text(), "secret");
    for (const [, payload] of EVENTS.filter(([name]) => name === "ydoc:document:update")) {
      const { error } = await reader.send("ydoc:document:update", payload);
      assert.equal(error?.code, "forbidden");
    }
    const cursor = { ...id, update: Array.from(new TextEncoder().encode('{"7":{"cursor":{}}}')) };
    assert.deepEqual(await reader.send("ydoc:awareness:update", cursor), { status: true });
    await until(() => editor.all("ydoc:awareness:update").length === 1);
    assert.equal(editor.all("ydoc:document:update").length, 0);
    assert.equal(notes.saves.length, 0);
  }));

Deno.test("garbage is refused before anything is stored or sent", () =>
  withNote(async (a) => {
    using one = await Client.open(a.url, "ada", "note:n1");
    using two = await Client.open(a.url, "bob", "note:n1");
    const bad: unknown[] = [[1, 2, 3], [], [256], [-1], [1.5], ["1"], "AAA=", { 0: 1 }, [
      0,
      0,
      NaN,
    ]];
    for (const bytes of bad) {
      for (const name of ["ydoc:document:update", "ydoc:awareness:update"]) {
        const { error } = await one.send(name, { ...id, update: bytes });
        assert.equal(error?.code, "invalid_payload", `${name} ${JSON.stringify(bytes)}`);
      }
    }
    const state = await one.send("ydoc:document:state", { ...id, state_vector: [200, 1, 7] });
    assert.equal(state.error?.code, "invalid_payload");
    const large = { ...id, update: new Array(70_000).fill(0) };
    assert.equal((await one.send("ydoc:awareness:update", large)).error?.code, "too_large");
    assert.equal(two.all("ydoc:document:update").length, 0);
    await one.write("!");
    await until(() => two.text() === "secret!");
  }));

Deno.test("updates that are damaged inside never damage the document of the others", () =>
  withNote(async (a) => {
    using one = await Client.open(a.url, "ada", "note:n1");
    using two = await Client.open(a.url, "bob", "note:n1");
    const codes = new Set<string>();
    let seed = 7;
    const random = (below: number) => (seed = Math.imul(seed, 1664525) + 1013904223 >>> 0) % below;
    const good = Y.encodeStateAsUpdate(one.doc);
    for (let round = 0; round < 300; round++) {
      const damaged = good.slice();
      for (let at = 0; at < 2; at++) damaged[random(damaged.length)] = random(256);
      const { error } = await one.update(damaged);
      codes.add(error?.code ?? "taken");
    }
    assert.ok(codes.has("invalid_payload"));
    assert.ok(
      [...codes].every((code) => ["taken", "invalid_payload"].includes(code)),
      [...codes].join(),
    );
    assert.deepEqual(await two.write("still fine"), { status: true });
    using late = await Client.open(a.url, "cy", "note:n1");
    assert.match(late.text(), /still fine/);
  }));

/** Takes a while to read a document anew. */
class SlowDigester extends Digester {
  readonly done: string[] = [];
  override async log(updates: Uint8Array[]) {
    await pause(1_000);
    this.done.push("read anew");
    return await super.log(updates);
  }
}

Deno.test("a document that an update has damaged is not let go before it has been read anew", async () => {
  await using store = await openStore();
  const notes = new FakeNotes();
  notes.add("n1", { json: textJson("secret") });
  const digester = new SlowDigester({ logger: silentLogger });
  const { done } = digester;
  const { take } = WeighedDoc.prototype;
  const harmful = Uint8Array.from(update("harmful"));
  // Which updates Yjs fails on half-way is its own matter, and changes.
  WeighedDoc.prototype.take = function (update) {
    if (update.length === harmful.length) throw new TypeError("half-way");
    take.call(this, update);
  };
  try {
    await using a = await startInstance({ store, notes, digester });
    using one = await Client.open(a.url, "ada", "note:n1");
    // What is little is read in a moment.
    await one.write("x".repeat(5_000));
    assert.equal((await one.update(harmful)).error?.code, "invalid_payload");
  } finally {
    WeighedDoc.prototype.take = take;
  }
  done.push("closed");
  assert.deepEqual(done, ["read anew", "closed"]);
});

Deno.test("identity comes from the session; a state is answered in the form that was spoken", () =>
  withNote(async (a, _notes, b) => {
    using one = await Client.open(a.url, "ada", "note:n1", true);
    using two = new Client(b.url, "bob", "note_n1");
    await two.connected();
    await two.send("ydoc:document:join", {
      document_id: "note_n1",
      user_id: "ada",
      user_name: "Ada",
      user_color: "#123",
    });
    const joined = await until(() => one.all("ydoc:user:joined")[0]);
    assert.deepEqual(joined, {
      document_id: "note:n1",
      user_id: "bob",
      user_name: "Name of bob",
      user_color: "#123",
    });
    assert.ok(one.all("ydoc:document:state").every(({ state }) => state instanceof Uint8Array));
    assert.ok(two.all("ydoc:document:state").every(({ state }) => Array.isArray(state)));
    await one.write("!");
    const change = await until(() => two.all("ydoc:document:update")[0]);
    assert.ok(Array.isArray(change?.update));
    assert.deepEqual([change?.user_id, change?.socket_id, change?.document_id], [
      "ada",
      one.socket.id,
      "note_n1",
    ]);
    one.hasState = false;
    await one.send("ydoc:document:state", { ...id, state_vector: Y.encodeStateVector(one.doc) });
    await until(() => one.hasState);
    const last = one.all("ydoc:document:state").at(-1)?.state as Uint8Array;
    assert.ok(last.length <= 20, "only what is missing");
    two.socket.disconnect();
    await until(() => one.all("ydoc:user:left").some(({ user_id }) => user_id === "bob"));
  }));

Deno.test("D5: nobody moves or removes another's cursor, and a disconnect removes one's own", () =>
  withNote(async (a, _notes, b) => {
    using ada = await Client.open(a.url, "ada", "note:n1", true);
    using bob = await Client.open(b.url, "bob", "note:n1", true);
    using plain = await Client.open(b.url, "cy", "note:n1");
    const seen = { ada: new Awareness(new Y.Doc()), bob: new Awareness(new Y.Doc()) };
    const own = new Awareness(ada.doc);
    try {
      const json = (states: object) => ({
        ...id,
        update: Array.from(new TextEncoder().encode(JSON.stringify(states))),
      });
      await plain.send(
        "ydoc:awareness:update",
        json({ 5: { user: { name: "Root", color: "#f00" } } }),
      );
      bob.socket.on(
        "ydoc:awareness:update",
        ({ update }) => applyAwarenessUpdate(seen.bob, update, "server"),
      );
      own.setLocalState({ user: { name: "Somebody else", color: "#0f0" }, cursor: { head: 1 } });
      const mine = () => encodeAwarenessUpdate(own, [own.clientID]);
      assert.deepEqual(await ada.send("ydoc:awareness:update", { ...id, update: mine() }), {
        status: true,
      });
      await until(() => seen.bob.getStates().has(own.clientID));
      assert.deepEqual(seen.bob.getStates().get(own.clientID), {
        user: { name: "Name of ada", color: "#0f0" },
        cursor: { head: 1 },
      });
      // The client that speaks JSON hears JSON, with the name of the session.
      const heard = await until(() => plain.all("ydoc:awareness:update").at(-1));
      const text = new TextDecoder().decode(new Uint8Array(heard.update as number[]));
      assert.equal(JSON.parse(text)[own.clientID].user.name, "Name of ada");

      own.setLocalState(null);
      const spoofed = await bob.send("ydoc:awareness:update", { ...id, update: mine() });
      assert.equal(spoofed.error?.code, "forbidden");
      const json2 = await plain.send(
        "ydoc:awareness:update",
        json({ [own.clientID]: { user: { name: "x" } } }),
      );
      assert.equal(json2.error?.code, "forbidden");
      assert.ok(seen.bob.getStates().has(own.clientID));

      ada.socket.disconnect();
      await until(() => !seen.bob.getStates().has(own.clientID), { what: "the cursor to go" });
      await until(() => plain.all("ydoc:user:left").length === 1);
      const gone = plain.all("ydoc:awareness:update").at(-1)?.update as number[];
      assert.equal(new TextDecoder().decode(new Uint8Array(gone)), `{"${own.clientID}":{}}`);
    } finally {
      for (const one of [own, seen.ada, seen.bob]) one.destroy();
    }
  }));

Deno.test("A1: who loses access is out at once, on every instance; who keeps it goes on", () =>
  withNote(async (a, notes, b) => {
    notes.readers.set("n1", new Set(["ada", "bob"]));
    notes.writers.set("n1", new Set(["ada", "bob"]));
    using ada = await Client.open(a.url, "ada", "note:n1");
    using bob = await Client.open(b.url, "bob", "note_n1");
    assert.deepEqual(await bob.send("join-note", { note_id: "n1" }), { status: true });
    await bob.write("before");
    await until(() => ada.text() === "secretbefore");
    notes.readers.get("n1")?.delete("bob");
    await a.documents.accessChanged("n1", "bob");
    await until(() => bob.all("error").some(({ code }) => code === "forbidden"));
    assert.equal((await bob.write("after"))?.error?.code, "forbidden");
    assert.equal((await bob.join()).error?.code, "forbidden");
    await until(() => !b.io.sockets.adapter.rooms.has("note:n1"));
    await until(() => ada.all("ydoc:user:left").some(({ user_id }) => user_id === "bob"));
    const heard = bob.heard.length;
    notes.writers.get("n1")?.delete("ada");
    await b.documents.accessChanged("n1");
    await until(async () => (await ada.write("x"))?.error?.code === "forbidden");
    assert.equal((await ada.send("ydoc:document:state", id)).status, true);
    assert.equal(bob.heard.length, heard);
  }));

Deno.test("who may what can't be read for a while: nobody is sent out, and the change is found later", () =>
  withNote(async (a, notes) => {
    notes.readers.set("n1", new Set(["ada", "bob"]));
    using ada = await Client.open(a.url, "ada", "note:n1");
    using bob = await Client.open(a.url, "bob", "note:n1");
    assert.deepEqual(await bob.send("join-note", { note_id: "n1" }), { status: true });
    const { mayRead } = notes;
    let asked = 0;
    notes.mayRead = () => {
      asked++;
      return Promise.reject(new Error("the store is away"));
    };
    notes.readers.get("n1")?.delete("bob");
    await a.documents.accessChanged("n1");
    await until(() => asked > 8, { what: "the store to be asked again" });
    assert.deepEqual(await bob.write("still here"), { status: true });
    assert.ok(a.io.sockets.adapter.rooms.has("note:n1"));
    assert.equal(bob.all("error").length, 0);
    notes.mayRead = mayRead;
    await until(() => bob.all("error").some(({ code }) => code === "forbidden"));
    await until(() => !a.io.sockets.adapter.rooms.has("note:n1"), { what: "bob to be out" });
    assert.deepEqual(await ada.write("goes on"), { status: true });
  }));

Deno.test("a join that loses access, or leaves, on its way has not joined", () =>
  withNote(async (a, notes) => {
    using one = new Client(a.url, "ada", "note:n1");
    await one.connected();
    const [joined, left] = await Promise.all([
      one.send("ydoc:document:join", id),
      one.send("ydoc:document:leave", id),
    ]);
    assert.deepEqual([joined.error?.code, left.status], ["conflict", true]);
    await until(() => a.documents.size === 0);
    const real = notes.mayRead.bind(notes);
    let asked = 0;
    notes.mayRead = async (user, note) => {
      const answer = await real(user, note);
      if (asked++ > 0) return answer;
      notes.readers.set("n1", new Set());
      await a.documents.accessChanged("n1");
      return answer;
    };
    assert.equal((await one.send("ydoc:document:join", id)).error?.code, "forbidden");
    assert.ok(asked >= 2, "asked again after the change");
    await until(() => a.documents.size === 0);
  }));

Deno.test("a deleted note sends its editors out and leaves nothing of its text behind", async () => {
  await using store = await openStore();
  const notes = new FakeNotes();
  notes.add("n1", { json: textJson("secret") });
  await using a = await startInstance({ store, notes });
  using one = await Client.open(a.url, "ada", "note:n1");
  await one.write("more");
  await until(() => notes.text("n1") === "secretmore");
  const state = () => store.values.get(keys.documentState("note_n1"));
  await until(state);
  await one.write("unsaved");
  notes.notes.delete("n1");
  notes.readers.set("n1", new Set());
  await a.documents.noteDeleted("n1");
  await until(() => one.all("error").some(({ code }) => code === "forbidden"));
  await until(() => a.documents.size === 0);
  assert.equal(await state(), undefined);
  assert.equal(await store.updateLog(keys.documentUpdates("note_n1")).length(), 0);
  assert.ok(!notes.notes.has("n1"), "nothing brings it back");
});

Deno.test("S1: joins, refused joins and leaves, again and again, leave nothing behind", async () => {
  await using store = await openStore();
  const notes = new FakeNotes();
  notes.add("n1", { json: textJson("x") });
  await using a = await startInstance({ store, notes });
  const sids: string[] = [];
  for (let round = 0; round < 20; round++) {
    using one = await Client.open(a.url, "ada", "note:n1");
    using missing = new Client(a.url, "ada", "note:missing");
    await missing.connected();
    assert.equal((await missing.join()).error?.code, "not_found");
    sids.push(one.socket.id ?? "", missing.socket.id ?? "");
    if (round % 2) await one.leave();
  }
  await until(() => a.documents.size === 0);
  await assertNothingLeft(store, "note_n1", sids);
  await assertNothingLeft(store, "note_missing", sids);
  assert.equal(await store.values.get(keys.documentState("note_n1")), undefined);
  assert.equal(notes.saves.length, 0, "who only reads writes nothing");
});
