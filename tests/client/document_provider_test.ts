import assert from "node:assert/strict";
import * as Y from "yjs";
import { Awareness } from "y-protocols/awareness";
import { applyAwareness } from "../../lib/client/document_awareness.ts";
import { DocumentProvider } from "../../lib/client/document_provider.ts";
import type { Note } from "../../lib/protocol/note.ts";
import { seedOf } from "../support/say.ts";
import { type Person, signUp, startServer } from "../support/server.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { until } from "../support/until.ts";
import { libraryClient } from "./fixture.ts";

const EVERYONE = ["read", "write"].map((permission) => ({
  principal_type: "user",
  principal_id: "*",
  permission,
}));

const sharedNote = (owner: Person, grants: object[] = EVERYONE) =>
  owner.json<Note>("POST", "/api/v1/notes/create", { title: "Plan", access_grants: grants });

const userOf = ({ id }: Person, name: string) => ({ id, name, color: "#1f6f5c" });

Deno.test("edits of two, one through a connection that is cut, converge", async () => {
  let state = seedOf("documents") >>> 0;
  const random = () => (state = (state * 1_664_525 + 1_013_904_223) >>> 0) / 2 ** 32;
  await using app = await startServer();
  await using proxy = new TcpProxy(Number(new URL(app.url).port));
  const [ada, bob] = [await signUp(app.url), await signUp(app.url)];
  const { id } = await sharedNote(ada);
  await using one = await libraryClient({ url: app.url, token: ada.token });
  const url = `http://127.0.0.1:${proxy.port}`;
  await using two = await libraryClient({ url, token: bob.token });
  const documentId = `note:${id}`;
  using a = new DocumentProvider({
    ...{ connection: one.connection, documentId, user: userOf(ada, "Ada") },
  });
  using b = new DocumentProvider({
    ...{ connection: two.connection, documentId, user: userOf(bob, "Bob") },
  });
  const synced = () => a.status.state === "synced" && b.status.state === "synced";
  await until(synced, { what: "both to be in" });
  for (let round = 0; round < 120; round++) {
    const { doc } = random() < 0.5 ? a : b;
    const text = doc.getText("scratch");
    const at = Math.floor(random() * (text.length + 1));
    if (random() < 0.75 || text.length === 0) text.insert(at, `${round} `);
    else text.delete(Math.min(at, text.length - 1), 1);
    if (round % 40 === 20) {
      proxy.cut();
      proxy.heal();
    }
    if (round % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 2));
  }
  const textOf = (provider: DocumentProvider) => provider.doc.getText("scratch").toString();
  await until(() => synced() && textOf(a) === textOf(b), { what: "convergence" });
  assert.ok(textOf(a).length > 100);
  assert.deepEqual(
    Y.encodeStateVector(a.doc).toSorted(),
    Y.encodeStateVector(b.doc).toSorted(),
  );
});

Deno.test("those who edit see each other's names, and see them go", async () => {
  await using app = await startServer();
  const [ada, bob] = [await signUp(app.url, "Ada"), await signUp(app.url, "Bob")];
  const documentId = `note:${(await sharedNote(ada)).id}`;
  await using one = await libraryClient({ url: app.url, token: ada.token });
  using a = new DocumentProvider({
    ...{ connection: one.connection, documentId, user: userOf(ada, "Ada") },
  });
  const names = () => [...a.awareness.getStates().values()].map(({ user }) => user?.name).sort();
  {
    await using two = await libraryClient({ url: app.url, token: bob.token });
    using b = new DocumentProvider({
      ...{ connection: two.connection, documentId, user: userOf(bob, "Bob") },
    });
    await until(() => names().join() === "Ada,Bob", { what: "Bob's name" });
    await until(() => b.awareness.getStates().size === 2, { what: "Ada's name" });
  }
  await until(() => names().join() === "Ada", { what: "Bob's end" });
});

Deno.test("who may not read is told so, and nothing is tried again", async () => {
  await using app = await startServer();
  const [ada, bob] = [await signUp(app.url), await signUp(app.url)];
  const { id } = await sharedNote(ada, []);
  await using client = await libraryClient({ url: app.url, token: bob.token });
  using provider = new DocumentProvider({
    ...{ connection: client.connection, documentId: `note:${id}`, user: userOf(bob, "Bob") },
  });
  await until(() => provider.status.state === "refused", { what: "the refusal" });
  assert.ok(provider.status.reason);
});

Deno.test("the JSON of Open WebUI's own client is understood: who comes, and who goes", () => {
  const awareness = new Awareness(new Y.Doc());
  try {
    const tell = (states: object) =>
      applyAwareness(awareness, new TextEncoder().encode(JSON.stringify(states)), "remote");
    tell({ 42: { user: { name: "Grace" } }, "no number": {}, [awareness.clientID]: { user: {} } });
    assert.equal(awareness.getStates().get(42)?.user.name, "Grace");
    assert.deepEqual(awareness.getLocalState(), {});
    tell({ 42: {} });
    assert.ok(!awareness.getStates().has(42));
  } finally {
    awareness.destroy();
  }
});

Deno.test("C1: a note that is left while it is joined, and opened again at once, takes what is written", async () => {
  await using app = await startServer();
  const ada = await signUp(app.url, "Ada");
  await using client = await libraryClient({ url: app.url, token: ada.token });
  for (let round = 0; round < 5; round++) {
    const documentId = `note:${(await sharedNote(ada)).id}`;
    const options = { connection: client.connection, documentId, user: userOf(ada, "Ada") };
    const first = new DocumentProvider(options);
    first.doc.getText("scratch").insert(0, "first ");
    first[Symbol.dispose]();
    using second = new DocumentProvider(options);
    await until(() => second.status.state === "synced", { what: "the second to be in" });
    second.doc.getText("scratch").insert(0, "second ");
    await until(() => second.status.state === "synced", { what: "its edit at the server" });
    await using elsewhere = await libraryClient({ url: app.url, token: ada.token });
    using other = new DocumentProvider({ ...options, connection: elsewhere.connection });
    const text = () => other.doc.getText("scratch").toString();
    await until(() => text().includes("first ") && text().includes("second "), {
      what: "both edits elsewhere",
    });
  }
});

Deno.test("C1: two providers of a note on one connection see each other, and one outlives the other", async () => {
  await using app = await startServer();
  const ada = await signUp(app.url, "Ada");
  await using client = await libraryClient({ url: app.url, token: ada.token });
  await using elsewhere = await libraryClient({ url: app.url, token: ada.token });
  const documentId = `note:${(await sharedNote(ada)).id}`;
  const options = { connection: client.connection, documentId, user: userOf(ada, "Ada") };
  using one = new DocumentProvider(options);
  using far = new DocumentProvider({ ...options, connection: elsewhere.connection });
  const textOf = ({ doc }: DocumentProvider) => doc.getText("scratch").toString();
  {
    using two = new DocumentProvider(options);
    await until(() => two.status.state === "synced" && one.status.state === "synced");
    two.doc.getText("scratch").insert(0, "two ");
    await until(() => textOf(one) === "two " && textOf(far) === "two ", { what: "two's edit" });
    await until(() => far.awareness.getStates().size === 3 && one.awareness.getStates().size === 3);
  }
  await until(() => far.awareness.getStates().size === 2, { what: "two's cursor to go" });
  one.doc.getText("scratch").insert(0, "one ");
  await until(() => textOf(far) === "one two ", { what: "one's edit" });
  await until(() => one.status.state === "synced");
});

Deno.test("C1: who is no member any more without knowing it joins again, and loses nothing", async () => {
  await using app = await startServer();
  const ada = await signUp(app.url, "Ada");
  await using client = await libraryClient({ url: app.url, token: ada.token });
  const documentId = `note:${(await sharedNote(ada)).id}`;
  const { connection } = client;
  using provider = new DocumentProvider({ connection, documentId, user: userOf(ada, "Ada") });
  await until(() => provider.status.state === "synced");
  await connection.ask("ydoc:document:leave", { document_id: documentId });
  provider.doc.getText("scratch").insert(0, "kept");
  assert.equal(provider.status.state, "syncing");
  await until(() => provider.status.state === "synced", { what: "the edit at the server" });
});

Deno.test("M: after a reconnect nothing is sent before the document is joined again", async () => {
  await using app = await startServer();
  await using proxy = new TcpProxy(Number(new URL(app.url).port));
  const ada = await signUp(app.url, "Ada");
  const url = `http://127.0.0.1:${proxy.port}`;
  await using client = await libraryClient({ url, token: ada.token });
  const documentId = `note:${(await sharedNote(ada)).id}`;
  const { connection } = client;
  const refused: string[] = [];
  const ask = connection.ask.bind(connection);
  connection.ask = (async (event: never, payload: never) => {
    try {
      return await ask(event, payload);
    } catch (thrown) {
      if (connection.status.state === "online") refused.push(event);
      throw thrown;
    }
  }) as typeof connection.ask;
  using provider = new DocumentProvider({ connection, documentId, user: userOf(ada, "Ada") });
  await until(() => provider.status.state === "synced");
  let comebacks = 0;
  using _typing = {
    [Symbol.dispose]: connection.onOnline(() => {
      provider.doc.getText("scratch").insert(0, `${++comebacks} `);
    }),
  };
  comebacks = 0;
  proxy.cut();
  proxy.heal();
  await until(() => comebacks > 0 && provider.status.state === "synced", {
    what: "the edit of the moment of coming back",
  });
  assert.deepEqual(refused, []);
});

Deno.test("C8: what is typed without a connection is offline, not on its way, and arrives later", async () => {
  await using app = await startServer();
  await using proxy = new TcpProxy(Number(new URL(app.url).port));
  const ada = await signUp(app.url);
  const { id } = await sharedNote(ada);
  const url = `http://127.0.0.1:${proxy.port}`;
  await using client = await libraryClient({ url, token: ada.token });
  const documentId = `note:${id}`;
  using provider = new DocumentProvider({
    ...{ connection: client.connection, documentId, user: userOf(ada, "Ada") },
  });
  await until(() => provider.status.state === "synced", { what: "the first state" });
  const states: string[] = [];
  provider.onStatus(({ state, unsent = 0 }) => states.push(`${state} ${unsent}`));
  proxy.cut();
  await until(() => provider.status.state === "offline", { what: "the loss" });
  provider.doc.getText("scratch").insert(0, "typed ");
  provider.doc.getText("scratch").insert(6, "offline");
  assert.deepEqual(provider.status, { state: "offline", unsent: 2 });
  proxy.heal();
  await until(() => provider.status.state === "synced", { what: "the return" });
  const counted = ["offline 1", "offline 2", "syncing 2"];
  assert.deepEqual(states, ["synced 0", "offline 0", ...counted, "synced 0"]);
  assert.equal(provider.keep(), undefined);
});

Deno.test("what one provider gives to be kept, another sends: once, and beside what has come meanwhile", async () => {
  await using app = await startServer();
  await using proxy = new TcpProxy(Number(new URL(app.url).port));
  const ada = await signUp(app.url);
  const { id } = await sharedNote(ada);
  const url = `http://127.0.0.1:${proxy.port}`;
  await using near = await libraryClient({ url: app.url, token: ada.token });
  await using far = await libraryClient({ url, token: ada.token });
  const options = { documentId: `note:${id}`, user: userOf(ada, "Ada") };
  using seen = new DocumentProvider({ ...options, connection: near.connection });
  const textOf = ({ doc }: DocumentProvider) => doc.getText("scratch").toString();
  seen.doc.getText("scratch").insert(0, "first");
  await until(() => seen.status.state === "synced", { what: "the text at the server" });
  const lost = new DocumentProvider({ ...options, connection: far.connection });
  await until(() => textOf(lost) === "first", { what: "the text there" });
  proxy.cut();
  await until(() => lost.status.state === "offline", { what: "the loss" });
  for (const word of [" and", " kept"]) lost.doc.getText("scratch").insert(5, word);
  const kept = lost.keep();
  assert.equal(kept?.count, 2);
  lost.destroy();
  seen.doc.getText("scratch").insert(0, "meanwhile ");
  using again = new DocumentProvider({ ...options, connection: far.connection, kept: [kept] });
  assert.ok(again.isLoaded);
  assert.equal(textOf(again), "first kept and");
  assert.equal(again.status.unsent, 2);
  assert.deepEqual(again.keep()?.count, 2);
  proxy.heal();
  await until(() => again.status.state === "synced", { what: "the return" });
  const whole = "meanwhile first kept and";
  await until(() => textOf(seen) === whole && textOf(again) === whole, { what: "all of it" });
  assert.equal(again.keep(), undefined);
});

Deno.test("C8: what was too large goes on once it is deleted again, and a refusal is tried again when told", async () => {
  await using app = await startServer({ WEBSOCKET_MAX_PAYLOAD: "65536" });
  const ada = await signUp(app.url);
  const bob = await signUp(app.url);
  const { id } = await sharedNote(ada, []);
  const documentId = `note:${id}`;
  await using client = await libraryClient({ url: app.url, token: ada.token });
  using provider = new DocumentProvider({
    ...{ connection: client.connection, documentId, user: userOf(ada, "Ada") },
  });
  await until(() => provider.status.state === "synced", { what: "the first state" });
  const text = provider.doc.getText("scratch");
  text.insert(0, "x".repeat(100_000));
  await until(() => provider.status.state === "refused", { what: "the refusal" });
  assert.equal(provider.status.code, "too_large");
  text.delete(0, 100_000);
  text.insert(0, "small");
  await until(() => provider.status.state === "synced", { what: "the way on" });

  await using other = await libraryClient({ url: app.url, token: bob.token });
  using theirs = new DocumentProvider({
    ...{ connection: other.connection, documentId, user: userOf(bob, "Bob") },
  });
  await until(() => theirs.status.code === "forbidden", { what: "the refusal" });
  await ada.json("POST", `/api/v1/notes/${id}/update`, { access_grants: EVERYONE });
  theirs.retry();
  await until(() => theirs.status.state === "synced", { what: "being let in" });
  assert.equal(theirs.doc.getText("scratch").toString(), "small");
});

Deno.test("N1: whatever is typed while an edit is on its way arrives, however much it is", async () => {
  await using app = await startServer();
  const ada = await signUp(app.url);
  const { id } = await sharedNote(ada);
  await using client = await libraryClient({ url: app.url, token: ada.token });
  const { connection } = client;
  {
    using one = new DocumentProvider({
      ...{ connection, documentId: `note:${id}`, user: userOf(ada, "Ada") },
    });
    await until(() => one.status.state === "synced", { what: "the first to be in" });
    // The first goes at once; the others wait for its answer.
    for (let n = 0; n < 500; n++) one.doc.getText("scratch").insert(0, "x");
    await until(() => one.status.state === "synced", { what: "all to be sent" });
  }
  await using other = await libraryClient({ url: app.url, token: ada.token });
  using later = new DocumentProvider({
    ...{ connection: other.connection, documentId: `note:${id}`, user: userOf(ada, "later") },
  });
  await until(() => later.status.state === "synced", { what: "the second to be in" });
  assert.equal(later.doc.getText("scratch").length, 500);
});
