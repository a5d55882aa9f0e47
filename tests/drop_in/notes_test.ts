import assert from "node:assert/strict";
import * as Y from "yjs";
import { FRAGMENT, toJson } from "../../lib/note_schema/yjs_content.ts";
import { until } from "../support/until.ts";
import { endPostgres, onEngines, type Tab, type World } from "./fixture.ts";

Deno.test.afterAll(endPostgres);

/** A quarter of it is the time of the reaper's lock, which a busy machine must renew in time. */
const TIMEOUT_S = 12;

const paragraph = (text: string) => ({ type: "paragraph", content: [{ type: "text", text }] });
const contentOf = (...texts: string[]) => ({
  md: texts.join("\n\n"),
  html: texts.map((text) => `<p>${text}</p>`).join(""),
  json: { type: "doc", content: texts.map(paragraph) },
});
const addNote = (on: World, id: string, content: unknown = contentOf("as it was")) =>
  on.fixture.insert("note", {
    id,
    user_id: "ada",
    title: id,
    data: { content, more: 1 },
    updated_at: 1,
  });
async function grant(on: World, noteId: string, userId: string, ...permissions: string[]) {
  for (const permission of permissions) {
    await on.fixture.insert("access_grant", {
      ...{ id: crypto.randomUUID(), resource_type: "note", resource_id: noteId, permission },
      ...{ principal_type: "user", principal_id: userId, created_at: 1 },
    });
  }
}
async function stored(on: World, id: string) {
  const [row] = await on.fixture.database.query("SELECT data FROM note WHERE id = $1", [id]);
  const data = row?.["data"];
  return (typeof data === "string" ? JSON.parse(data) : data) as {
    content: { md: string; html: string; json: unknown };
    more: number;
  };
}
interface State {
  document_id: string;
  state: number[];
  content?: { md: string };
}

/** An editor as Open WebUI's client is one: bytes are lists of numbers. */
async function edit(tab: Tab, noteId: string) {
  const document_id = `note:${noteId}`;
  const doc = new Y.Doc();
  tab.socket.on(
    "ydoc:document:update",
    ({ update }: { update: number[] }) => Y.applyUpdate(doc, Uint8Array.from(update), "server"),
  );
  tab.socket.emit("ydoc:document:join", {
    document_id,
    user_id: "x",
    user_name: "x",
    user_color: "#f00",
  });
  const state = await until(() => tab.of<State>("ydoc:document:state")[0], {
    what: "the document",
  });
  Y.applyUpdate(doc, Uint8Array.from(state.state), "server");
  const fragment = doc.getXmlFragment(FRAGMENT);
  return {
    state,
    text: () => JSON.stringify(toJson(fragment)),
    /** Types a paragraph, and says a text of its own to be saved, as the client does. */
    async type(text: string, data?: unknown) {
      const before = Y.encodeStateVector(doc);
      const element = new Y.XmlElement("paragraph");
      element.insert(0, [new Y.XmlText(text)]);
      fragment.insert(fragment.length, [element]);
      const update = Array.from(Y.encodeStateAsUpdate(doc, before));
      return await tab.ask("ydoc:document:update", {
        ...{ document_id, user_id: "x", socket_id: tab.socket.id, update, data },
      });
    },
    update: (more: object) => tab.ask("ydoc:document:update", { document_id, ...more }),
  };
}

onEngines(
  "a note is edited together on two instances, begun by the server, and saved to Open WebUI's database",
  async (on) => {
    for (const id of ["ada", "bob"]) await on.addUser(id);
    await addNote(on, "n");
    await grant(on, "n", "bob", "read", "write");
    const [ada, bob] = [
      await edit(await on.tab(0, "ada"), "n"),
      await edit(await on.tab(1, "bob"), "n"),
    ];
    assert.match(ada.text(), /as it was/);
    assert.equal(ada.text(), bob.text(), "begun once, not by each");
    assert.equal(ada.state.content?.md, "as it was");
    await ada.type("from ada", { content: contentOf("a forged text") });
    await until(() => /from ada/.test(bob.text()), { what: "ada's text at bob" });
    await bob.type("from bob");
    await until(() => /from bob/.test(ada.text()), { what: "bob's text at ada" });
    await until(async () => /from bob/.test((await stored(on, "n")).content.md), {
      what: "the note to be saved",
    });
    const { content, more } = await stored(on, "n");
    assert.equal(more, 1, "what is beside the text stays");
    assert.equal(content.md, "as it was\n\nfrom ada\n\nfrom bob");
    assert.match(content.html, /<p>from bob<\/p>/);
    assert.equal(await on.python.exists("open-webui:ydoc:documents:note:n:updates"), 1);
  },
  { engines: ["sqlite", "postgres"] },
);

onEngines(
  "of several who begin an empty note, the first does; all are answered what it begins with",
  async (on) => {
    await on.addUser("ada");
    await addNote(on, "n", null);
    const [one, two] = [
      await edit(await on.tab(0, "ada"), "n"),
      await edit(await on.tab(1, "ada"), "n"),
    ];
    const begin = (text: string) => {
      const doc = new Y.Doc();
      const element = new Y.XmlElement("paragraph");
      element.insert(0, [new Y.XmlText(text)]);
      doc.getXmlFragment(FRAGMENT).insert(0, [element]);
      return Array.from(Y.encodeStateAsUpdate(doc));
    };
    const textOf = ([bytes]: unknown[]) => {
      const doc = new Y.Doc();
      Y.applyUpdate(doc, Uint8Array.from(bytes as number[]));
      return JSON.stringify(toJson(doc.getXmlFragment(FRAGMENT)));
    };
    const first = await one.update({ update: begin("first"), initialize: true });
    await until(() => /first/.test(two.text()), { what: "the beginning at the other" });
    const second = await two.update({ update: begin("second"), initialize: true });
    assert.match(textOf(first), /first/);
    assert.equal(textOf(second), textOf(first));

    await addNote(on, "m", null);
    const both = [await edit(await on.tab(0, "ada"), "m"), await edit(await on.tab(1, "ada"), "m")];
    const answers = await Promise.all(
      both.map((tab, n) => tab.update({ update: begin(`seed ${n}`), initialize: true })),
    );
    const [a = "", b] = answers.map(textOf);
    assert.equal(a, b, "of two at the same moment, at two instances, one begins it");
    assert.equal(a.match(/seed/g)?.length, 1);
  },
);

onEngines(
  "a note that a reader opens first is not emptied, and readers change nothing",
  async (on) => {
    for (const id of ["ada", "bob", "eve"]) await on.addUser(id);
    await addNote(on, "n");
    await grant(on, "n", "bob", "read");
    const bob = await edit(await on.tab(0, "bob"), "n");
    assert.deepEqual(await bob.type("not mine"), []);
    assert.deepEqual(await bob.update({ data: { content: contentOf("") } }), []);
    const eve = await on.tab(1, "eve");
    eve.socket.emit("ydoc:document:join", { document_id: "note:n", user_id: "x" });
    assert.deepEqual(
      await eve.ask("ydoc:document:update", { document_id: "note:n", update: [0, 0] }),
      [],
    );
    assert.deepEqual(eve.of("ydoc:document:state"), []);
    const ada = await edit(await on.tab(1, "ada"), "n");
    await ada.type("more");
    await until(async () => /more/.test((await stored(on, "n")).content.md), {
      what: "the note to be saved",
    });
    assert.equal((await stored(on, "n")).content.md, "as it was\n\nmore");
  },
);

onEngines(
  "a right to write that ends ends within two seconds, by Python's order at once",
  async (on) => {
    for (const id of ["ada", "bob", "eve"]) await on.addUser(id);
    await addNote(on, "n");
    for (const id of ["bob", "eve"]) await grant(on, "n", id, "read", "write");
    const [bobTab, eveTab] = [await on.tab(0, "bob"), await on.tab(1, "eve")];
    const [bob, eve] = [await edit(bobTab, "n"), await edit(eveTab, "n")];
    assert.notDeepEqual(await bob.type("one"), []);
    await on.control("leave_room", { sid: eveTab.socket.id, room: "doc_note:n" });
    await until(async () => (await eve.type("out")).length === 0, { what: "eve to be out" });
    await on.fixture.database.query(
      "DELETE FROM access_grant WHERE principal_id = 'bob' AND permission = 'write'",
    );
    const sinceMs = performance.now();
    await until(async () => (await bob.type("two")).length === 0, {
      what: "bob to be a reader",
    });
    // What is asked anew only now and then would take half a minute; a busy machine takes some seconds.
    assert.ok(performance.now() - sinceMs < 10_000);
  },
);

onEngines("who may read a note is in its room, until they may not", async (on) => {
  for (const id of ["ada", "bob", "eve"]) await on.addUser(id);
  await addNote(on, "n");
  await grant(on, "n", "bob", "read");
  const [bob, eve] = [await on.tab(0, "bob"), await on.tab(1, "eve")];
  for (const tab of [bob, eve]) await tab.ask("join-note", { note_id: "n", auth: {} });
  await on.emit("note:n", "events:note", { id: "n", title: "new" });
  await until(() => bob.of("events:note").length === 1, { what: "the note's news" });
  assert.deepEqual(eve.of("events:note"), []);
  await on.fixture.database.query("DELETE FROM access_grant");
  await on.apps[0]?.sockets.rooms.documents.noteRooms.recheckAll();
  const room = on.apps[0]?.sockets.io.sockets.adapter.rooms.get("note:n");
  assert.equal(room?.size ?? 0, 0);
});

onEngines("a session edits twenty documents at the most", async (on) => {
  await on.addUser("ada");
  const tab = await on.tab(0, "ada");
  for (let n = 0; n < 21; n++) await addNote(on, `n${n}`);
  for (let n = 0; n < 21; n++) await tab.ask("ydoc:document:join", { document_id: `note:n${n}` });
  assert.equal(tab.of("ydoc:document:state").length, 20);
});

onEngines(
  "who dies by SIGKILL is reaped once, by whoever lives, while Python holds the lock of its own reaper",
  async (on) => {
    await on.addUser("ada");
    await addNote(on, "n");
    await addNote(on, "alone");
    await on.fixture.insert("chat", { id: "c", user_id: "ada", archived: false, updated_at: 1 });
    // As Python does: taken once, kept for life; and a session of its own, long dead.
    await on.python.set("open-webui:session_cleanup_lock", "python", "EX", 600);
    const theirs = { id: "ada", name: "ada", last_seen_at: 1 };
    await on.python.hset("open-webui:session_pool", "theirs", JSON.stringify(theirs));

    const dying = await on.process();
    const tab = await on.tab(dying.url, "ada", { reconnection: false });
    const [near, other] = [await on.tab(0, "ada"), await on.tab(1, "ada")];
    for (const one of [tab, near]) {
      await one.ask("events:chat", { chat_id: "c", data: { type: "join" } });
    }
    const alone = await edit(await on.tab(dying.url, "ada", { reconnection: false }), "alone");
    const [editor, watcher] = [await edit(tab, "n"), await edit(near, "n")];
    await editor.type("before the end");
    await alone.type("nobody else was there");
    await tab.ask("usage", { model: "of the dead", action: "chat", chat_id: "c" });
    await until(async () => (await on.python.hlen("open-webui:usage_pool")) === 1, {
      what: "the model in use",
    });
    // As the client does, or the living were taken for dead, too.
    const beats = setInterval(
      () => [near, other].forEach(({ socket }) => void socket.emit("heartbeat", {})),
      500,
    );
    using _beats = { [Symbol.dispose]: () => clearInterval(beats) };
    dying.kill("SIGKILL");
    await dying.status;

    const limitMs = TIMEOUT_S * 1_000 + 6_000;
    await until(async () => (await on.pool()).size === 3, { what: "the dead to go", limitMs });
    assert.deepEqual(
      new Set((await on.pool()).keys()),
      new Set(["theirs", near.socket.id, other.socket.id]),
    );
    await until(async () => (await on.python.hlen("open-webui:usage_pool")) === 0, {
      what: "the model to be free",
      limitMs,
    });
    assert.match(watcher.text(), /before the end/);
    for (const [id, text] of [["n", /before the end/], ["alone", /nobody else/]] as const) {
      await until(async () => text.test((await stored(on, id)).content.md), {
        what: `note ${id} to be saved`,
        limitMs,
      });
    }
    await until(() => near.of("ydoc:user:left").length > 0, { what: "the editor's leave" });
    assert.equal(near.of("ydoc:user:left").length, 1);
    const reaped = on.lines.flatMap((line) => /reaped.*?(\d+)/.exec(line)?.[1] ?? []);
    assert.deepEqual(reaped, ["2"], on.lines.filter((line) => /reaped/.test(line)).join("\n"));
    assert.equal(await on.python.get("open-webui:session_cleanup_lock"), "python");
    const viewers = await on.python.hkeys("open-webui:rt:chat:c:viewers");
    assert.deepEqual(viewers, [near.socket.id]);
  },
  { env: { SESSION_TIMEOUT: String(TIMEOUT_S), WEBSOCKET_HEARTBEAT_INTERVAL: "1" } },
);

onEngines(
  "what is written to an open note by HTTP comes to its editors once, and their next save keeps it",
  async (on) => {
    for (const id of ["ada", "bob"]) await on.addUser(id);
    await addNote(on, "n");
    await grant(on, "n", "bob", "read", "write");
    const tabs = [await on.tab(0, "ada"), await on.tab(1, "bob")] as const;
    for (const tab of tabs) await tab.ask("join-note", { note_id: "n", auth: {} });
    const [ada, bob] = [await edit(tabs[0], "n"), await edit(tabs[1], "n")];
    await ada.type("typed before");
    await until(async () => /typed before/.test((await stored(on, "n")).content.md), {
      what: "the first save",
    });
    const written = contentOf("as it was", "by a model", "typed before");
    await on.fixture.database.query("UPDATE note SET data = $1 WHERE id = 'n'", [
      JSON.stringify({ content: written, more: 1 }),
    ]);
    await on.emit("note:n", "events:note", { id: "n", updated_at: 5, data: { content: written } });
    for (const one of [ada, bob]) {
      await until(() => /by a model/.test(one.text()), { what: "the model's text" });
    }
    await bob.type("typed after");
    await until(async () => /typed after/.test((await stored(on, "n")).content.md), {
      what: "the next save",
    });
    assert.equal(
      (await stored(on, "n")).content.md,
      "as it was\n\nby a model\n\ntyped before\n\ntyped after",
    );
    assert.equal(ada.text(), bob.text());
  },
);
