import assert from "node:assert/strict";
import * as Y from "yjs";
import { keys } from "../../lib/state/key_space.ts";
import type { HeldLock, StateStore } from "../../lib/state/state_store.ts";
import { until } from "../support/until.ts";
import { Client, FakeNotes, openStore, startInstance } from "./fixture.ts";

const LOG = keys.documentUpdates("note_n1");
const USERS = keys.documentUsers("note_n1");

/** The store, but for locks whose renewal asks `renew` instead. */
function withRenewal(store: StateStore, renew: (key: string) => Promise<boolean>): StateStore {
  const acquire: StateStore["acquire"] = async (key, options) => {
    const lock = await store.acquire(key, options);
    if (lock === undefined) return undefined;
    return new Proxy(lock, {
      get: (held, name) => {
        if (name === "renew") return () => renew(key.join(":"));
        const value = Reflect.get(held, name, held);
        return typeof value === "function" ? value.bind(held) : value;
      },
    }) as HeldLock;
  };
  return new Proxy(store, {
    get: (given, name) => {
      if (name === "acquire") return acquire;
      const value = Reflect.get(given, name, given);
      return typeof value === "function" ? value.bind(given) : value;
    },
  });
}

Deno.test("M: a log is not cleared by who has lost the document's lock, as another has opened it", async () => {
  await using store = await openStore();
  const notes = new FakeNotes();
  notes.add("n1", {});
  let lost = 0;
  const late = new Y.Doc();
  late.getText("scratch").insert(0, "of another instance");
  const renew = async (key: string) => {
    if (key !== keys.documentLock("note_n1").join(":")) return true;
    lost++;
    // In the pause that cost the lock, another instance has opened the document, and writes.
    await store.memberSet(USERS).add("a socket elsewhere");
    await store.updateLog(LOG).append(Y.encodeStateAsUpdate(late));
    return false;
  };
  await using a = await startInstance({ store: withRenewal(store, renew), notes });
  {
    using one = await Client.open(a.url, "ada", "note:n1");
    await one.write("mine");
  }
  await until(() => lost > 0 && a.documents.size === 0, { what: "the document to be let go" });
  const doc = new Y.Doc();
  for (const update of await store.updateLog(LOG).read()) Y.applyUpdate(doc, update);
  assert.equal(doc.getText("scratch").toString(), "of another instance");
  assert.deepEqual(await store.memberSet(USERS).members(), ["a socket elsewhere"]);
});
