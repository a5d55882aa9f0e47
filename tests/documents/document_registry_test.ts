import assert from "node:assert/strict";
import * as Y from "yjs";
import { AppError } from "../../lib/common/errors.ts";
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

/** The store, but for the document's shared set, into which nobody gets before `gate` resolves. */
function withGate(store: StateStore, gate: () => Promise<void>): StateStore {
  const memberSet: StateStore["memberSet"] = (key, options) => {
    const set = store.memberSet(key, options);
    if (key.join() !== USERS.join()) return set;
    return { ...set, add: (...sids) => gate().then(() => set.add(...sids)) };
  };
  return new Proxy(store, {
    get: (given, name) => {
      if (name === "memberSet") return memberSet;
      const value = Reflect.get(given, name, given);
      return typeof value === "function" ? value.bind(given) : value;
    },
  });
}

Deno.test("who joins beside others is let in at once, and stands in the shared set before those can leave it", async () => {
  await using store = await openStore();
  const notes = new FakeNotes();
  notes.add("n1", {});
  let gate: PromiseWithResolvers<void> | undefined = undefined;
  const gated = withGate(store, () => gate?.promise ?? Promise.resolve());
  await using a = await startInstance({ store: gated, notes });
  using first = await Client.open(a.url, "ada", "note:n1");
  gate = Promise.withResolvers();
  using second = await Client.open(a.url, "ada", "note:n1");
  await second.write("seen at once");
  await until(() => first.text().includes("seen at once"));
  await first.leave();
  // What the first one leaves behind is the second one's to keep.
  assert.deepEqual(await store.memberSet(USERS).members(), [first.socket.id]);
  gate.resolve();
  await until(async () => (await store.memberSet(USERS).members()).join() === second.socket.id, {
    what: "the second one's place in the set, and the first one's end",
  });
});

Deno.test("who was let in and can't be written down is sent out, with the reason", async () => {
  await using store = await openStore();
  const notes = new FakeNotes();
  notes.add("n1", {});
  let gate: PromiseWithResolvers<void> | undefined = undefined;
  const gated = withGate(store, () => gate?.promise ?? Promise.resolve());
  await using a = await startInstance({ store: gated, notes });
  using first = await Client.open(a.url, "ada", "note:n1");
  gate = Promise.withResolvers();
  using second = await Client.open(a.url, "ada", "note:n1");
  gate.reject(new AppError("unavailable", "The store can't be reached."));
  const error = await until(() => second.all("error")[0]);
  assert.equal(error["event"], "ydoc:document:join");
  assert.equal(error["code"], "unavailable");
  gate = undefined;
  assert.equal((await second.update(new Uint8Array([0, 0]))).error?.code, "forbidden");
  assert.ok((await second.join()).status);
  await second.write("back");
  await until(() => first.text().includes("back"));
});
