import assert from "node:assert/strict";
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
