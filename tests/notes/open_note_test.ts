import assert from "node:assert/strict";
import * as Y from "yjs";
import type { Note } from "../../lib/protocol/note.ts";
import { keys } from "../../lib/state/key_space.ts";
import { connect, signUp, startServer } from "../support/server.ts";
import { at, inModes } from "../support/instances.ts";
import { until } from "../support/until.ts";

Deno.test("D3: a text written over HTTP reaches who edits the note, and both are in the result", async () => {
  await using app = await startServer();
  const [ada, bob] = [await signUp(app.url), await signUp(app.url)];
  const note = await ada.json<Note>("POST", "/api/v1/notes/create", {
    title: "open",
    data: { content: { md: "one" } },
    access_grants: [{ principal_type: "user", principal_id: bob.id, permission: "write" }],
  });
  await using editor = await connect(app.url, bob.token);
  const doc = new Y.Doc();
  const apply = (bytes: number[]) => Y.applyUpdate(doc, new Uint8Array(bytes), "server");
  editor.socket.on("ydoc:document:state", ({ state }) => apply(state));
  editor.socket.on("ydoc:document:update", ({ update }) => apply(update));
  const document_id = `note:${note.id}`;
  doc.on("update", (update: Uint8Array, origin: unknown) => {
    if (origin === "server") return;
    editor.socket.emit("ydoc:document:update", { document_id, update: [...update] });
  });
  const fragment = doc.getXmlFragment("prosemirror");
  editor.socket.emit("ydoc:document:join", { document_id, user_id: bob.id, user_name: "bob" });
  await until(() => fragment.toString().includes("one"), { what: "the note's text" });

  const paragraph = new Y.XmlElement("paragraph");
  paragraph.insert(0, [new Y.XmlText("by the editor")]);
  fragment.insert(fragment.length, [paragraph]);
  const mdOf = async () =>
    (await ada.json<Note>("GET", `/api/v1/notes/${note.id}`)).data?.content?.md ?? "";
  await until(async () => (await mdOf()).includes("by the editor"), { what: "the first save" });
  await ada.json("POST", `/api/v1/notes/${note.id}/update`, {
    data: { content: { md: "one\n\nby the editor\n\nby HTTP" } },
  });
  await until(() => fragment.toString().includes("by HTTP"), { what: "the text from elsewhere" });
  assert.equal(fragment.toString().split("by the editor").length, 2);
  await until(async () => /one\s+by the editor\s+by HTTP/.test(await mdOf()));
  doc.destroy();
});

Deno.test("A1: who loses a note can neither read nor change it while it is open", async () => {
  await using app = await startServer();
  const [ada, bob] = [await signUp(app.url), await signUp(app.url)];
  const note = await ada.json<Note>("POST", "/api/v1/notes/create", {
    title: "open",
    access_grants: [{ principal_type: "user", principal_id: bob.id, permission: "write" }],
  });
  await using editor = await connect(app.url, bob.token);
  const document_id = `note_${note.id}`;
  const ask = (event: string, payload: object): Promise<{ status: boolean }> =>
    editor.socket.timeout(30_000).emitWithAck(event, { document_id, ...payload });
  assert.equal((await ask("ydoc:document:join", { user_id: bob.id })).status, true);
  await ada.json("POST", `/api/v1/notes/${note.id}/update`, { access_grants: [] });
  await until(() => editor.errors.some(({ code }) => code === "forbidden"), { limitMs: 10_000 });
  for (const event of ["ydoc:document:state", "ydoc:document:update", "ydoc:document:join"]) {
    assert.equal((await ask(event, { update: [0, 0] })).status, false, event);
  }
});

Deno.test("a note that is deleted while it is open leaves nothing of its text behind", async () => {
  await using app = await startServer();
  const ada = await signUp(app.url);
  const note = await ada.json<Note>("POST", "/api/v1/notes/create", {
    title: "open",
    data: { content: { html: "<h1>secret</h1>" } },
  });
  await using editor = await connect(app.url, ada.token);
  const document_id = `note:${note.id}`;
  const doc = new Y.Doc();
  doc.getXmlFragment("prosemirror").insert(0, [new Y.XmlElement("paragraph")]);
  const update = [...Y.encodeStateAsUpdate(doc)];
  doc.destroy();
  for (const event of ["ydoc:document:join", "ydoc:document:update"]) {
    await editor.socket.timeout(30_000).emitWithAck(event, { document_id, update });
  }
  const { store } = app.services;
  const state = () => store.values.get(keys.documentState(document_id));
  await until(state, { what: "the first save" });
  await ada.json("DELETE", `/api/v1/notes/${note.id}/delete`);
  const log = store.updateLog(keys.documentUpdates(document_id));
  await until(async () => await log.length() === 0, { what: "the end of the document" });
  assert.equal(await state(), undefined);
  assert.equal(await store.values.get(keys.noteData(note.id)), undefined);
});

inModes(
  ["redis", "kvconnect"],
  "10.5: a save that waits is no task, and no stop from anywhere ends it",
  async ({ a: near, b: far }) => {
    const ada = await signUp(near.url);
    const { id } = await ada.json<Note>("POST", "/api/v1/notes/create", { title: "open" });
    await using editor = await connect(near.url, ada.token);
    const there = at(far.url, ada);
    const names = [`note:${id}`, `note_${id}`, id];
    const content = { md: "typed", html: "<p>typed</p>" };
    const payload = { document_id: `note:${id}`, data: { content } };
    for (const event of ["ydoc:document:join", "ydoc:document:update"]) {
      const { status } = await editor.socket.timeout(30_000).emitWithAck(event, payload);
      assert.equal(status, true, event);
    }
    for (const person of [ada, there]) {
      assert.deepEqual((await person.json<{ tasks: string[] }>("GET", "/api/tasks")).tasks, []);
      for (const name of names) {
        const path = `/api/tasks/chat/${encodeURIComponent(name)}/stop`;
        assert.equal(await person.status("POST", path), 404, name);
      }
    }
    const stored = async () => (await there.json<Note>("GET", `/api/v1/notes/${id}`)).data?.content;
    await until(async () => (await stored())?.md === "typed", { what: "the save" });
  },
);
