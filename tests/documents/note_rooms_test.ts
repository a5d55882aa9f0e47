import assert from "node:assert/strict";
import { hubOf, onBus } from "../support/faulty_bus.ts";
import { until } from "../support/until.ts";
import { Client, FakeNotes, openStore, startInstance, textJson } from "./fixture.ts";

const joinNote = (client: Client) => client.send("join-note", { note_id: "n1" });

Deno.test("A1: access that is lost while somebody joins a note's room is found", async () => {
  await using store = await openStore();
  const notes = new FakeNotes();
  notes.add("n1", { json: textJson("x") });
  await using a = await startInstance({ store, notes });
  using one = new Client(a.url, "ada", "note:n1");
  await one.connected();
  const real = notes.mayRead.bind(notes);
  notes.mayRead = async (user, note) => {
    const answer = await real(user, note);
    // The answer is on its way when the change is made and told: nobody is in the room yet.
    notes.mayRead = real;
    notes.readers.set("n1", new Set());
    await a.documents.accessChanged("n1");
    return answer;
  };
  assert.equal((await joinNote(one)).error?.code, "forbidden");
  assert.ok(!a.io.sockets.adapter.rooms.has("note:n1"));
});

Deno.test("A1: after a gap those who only look at notes are asked for, too", async () => {
  await using store = await openStore();
  const notes = new FakeNotes();
  notes.add("n1", { json: textJson("x") });
  notes.readers.set("n1", new Set(["ada", "bob"]));
  await using a = await startInstance({ store, notes });
  using ada = new Client(a.url, "ada", "note:n1");
  using bob = new Client(a.url, "bob", "note:n1");
  for (const client of [ada, bob]) {
    await client.connected();
    assert.deepEqual(await joinNote(client), { status: true });
  }
  const room = () => a.io.sockets.adapter.rooms.get("note:n1");
  assert.equal(room()?.size, 2);
  notes.readers.get("n1")?.delete("bob");
  // The change was made elsewhere, and its message lost.
  hubOf(store).heal();
  await until(() => room()?.size === 1, { limitMs: 10_000, what: "bob to be out" });
  assert.ok(room()?.has(ada.socket.id ?? ""));
});

Deno.test("A1: access to a page of notes is told with one message, and checked in each", async () => {
  await using store = await openStore();
  const notes = new FakeNotes();
  notes.add("n1", { json: textJson("x") });
  await using a = await startInstance({ store, notes });
  const told = onBus(hubOf(store).connect());
  await using b = await startInstance({ store, notes, topics: told.topics });
  using one = await Client.open(a.url, "ada", "note:n1");
  assert.deepEqual(await joinNote(one), { status: true });
  notes.readers.set("n1", new Set());
  const others = Array.from({ length: 199 }, (_, at) => `other${at}`);
  await b.documents.manyAccessChanged([...others, "n1"]);
  await until(() => one.all("error").some(({ code }) => code === "forbidden"));
  await until(() => !a.io.sockets.adapter.rooms.has("note:n1"));
  assert.equal(told.transport.stats().sentMessages, 1);
});
