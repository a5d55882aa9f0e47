import assert from "node:assert/strict";
import * as Y from "yjs";
import { until } from "../../../support/until.ts";
import type { Person, Tab } from "../person.ts";
import type { Check } from "./check.ts";

/** A note's document as Open WebUI's editor keeps it, over the socket. */
class NoteDocument {
  readonly doc = new Y.Doc();
  /** What the server said of the note's content when the tab joined. */
  content: unknown;
  isJoined = false;
  readonly #tab: Tab;
  readonly #id: string;

  constructor(tab: Tab, noteId: string) {
    this.#tab = tab;
    this.#id = `note:${noteId}`;
    tab.socket.on("ydoc:document:state", (data) => {
      if (data.document_id !== this.#id) return;
      this.content = data.content;
      Y.applyUpdate(this.doc, new Uint8Array(data.state), "server");
      this.isJoined = true;
    });
    tab.socket.on("ydoc:document:update", (data) => {
      if (data.document_id === this.#id) {
        Y.applyUpdate(this.doc, new Uint8Array(data.update), "server");
      }
    });
    this.doc.on("update", (update, origin) => {
      if (origin === "server") return;
      tab.socket.emit("ydoc:document:update", {
        ...{ document_id: this.#id, socket_id: tab.sid, update: [...update] },
        data: { content: { md: this.text, html: `<p>${this.text}</p>`, json: this.json } },
      });
    });
  }

  async join(person: Person): Promise<this> {
    this.#tab.socket.emit("ydoc:document:join", {
      ...{ document_id: this.#id, user_id: person.id, user_name: person.name },
      user_color: "#ff0000",
    });
    await until(() => this.isJoined, { what: "the note's state" });
    return this;
  }

  get fragment(): Y.XmlFragment {
    return this.doc.getXmlFragment("prosemirror");
  }

  get text(): string {
    return this.fragment.toString().replaceAll(/<[^>]+>/g, "");
  }

  get json() {
    const text = this.text;
    return {
      type: "doc",
      content: [{ type: "paragraph", ...(text && { content: [{ type: "text", text }] }) }],
    };
  }

  type(text: string): void {
    this.doc.transact(() => {
      if (this.fragment.length === 0) this.fragment.insert(0, [new Y.XmlElement("paragraph")]);
      const paragraph = this.fragment.get(this.fragment.length - 1) as Y.XmlElement;
      if (paragraph.length === 0) paragraph.insert(0, [new Y.XmlText()]);
      const words = paragraph.get(0) as Y.XmlText;
      words.insert(words.length, text);
    });
  }
}

const paragraph = (text: string) => ({
  md: text,
  html: `<p>${text}</p>`,
  json: { type: "doc", content: [{ type: "paragraph", content: [{ type: "text", text }] }] },
});

async function createNote(person: Person, content: unknown = null): Promise<string> {
  const { id } = await person.api<{ id: string }>("POST", "/api/v1/notes/create", {
    ...{ title: "A note", data: { content }, access_grants: [] },
  });
  return id;
}

async function stored(person: Person, noteId: string): Promise<string> {
  // deno-lint-ignore no-explicit-any
  const note = await person.api<any>("GET", `/api/v1/notes/${noteId}`);
  return note.data?.content?.md ?? "";
}

export const noteChecks: Check[] = [
  {
    name: "a note in two tabs: both texts in both, and saved in Open WebUI's database",
    async run({ admin }) {
      using one = await admin.tab();
      using two = await admin.tab();
      const id = await createNote(admin);
      const a = await new NoteDocument(one, id).join(admin);
      const b = await new NoteDocument(two, id).join(admin);
      a.type("from A ");
      await until(() => b.text.includes("from A"), { what: "A's text in B" });
      b.type("from B");
      await until(() => a.text.includes("from B"), { what: "B's text in A" });
      const text = await until(async () => {
        const md = await stored(admin, id);
        return md.includes("from A") && md.includes("from B") ? md : undefined;
      }, { what: "the saved note", everyMs: 100 });
      return text.trim();
    },
  },
  {
    name: "a note written by HTTP is in the document of whoever opens it first, once",
    isBeyond: true,
    async run({ admin }) {
      const id = await createNote(admin, paragraph("written by HTTP"));
      using tab = await admin.tab();
      using other = await admin.tab();
      const [a, b] = await Promise.all([
        new NoteDocument(tab, id).join(admin),
        new NoteDocument(other, id).join(admin),
      ]);
      assert.deepEqual(a.content, paragraph("written by HTTP"));
      assert.equal(a.text, "written by HTTP");
      a.type(", and on");
      await until(() => b.text === "written by HTTP, and on", { what: "the text, once" });
      await until(async () => (await stored(admin, id)).includes("written by HTTP, and on"), {
        what: "the saved note",
      });
      return b.text;
    },
  },
  {
    name: "initialize: whoever begins a document, all get the same state",
    async run({ admin }) {
      const id = await createNote(admin);
      using one = await admin.tab();
      using two = await admin.tab();
      await new NoteDocument(one, id).join(admin);
      await new NoteDocument(two, id).join(admin);
      const seed = (text: string) => {
        const doc = new Y.Doc();
        const words = new Y.XmlText();
        const element = new Y.XmlElement("paragraph");
        words.insert(0, text);
        element.insert(0, [words]);
        doc.getXmlFragment("prosemirror").insert(0, [element]);
        return [...Y.encodeStateAsUpdate(doc)];
      };
      const init = (tab: Tab, text: string) =>
        tab.socket.timeout(10_000).emitWithAck("ydoc:document:update", {
          ...{ document_id: `note:${id}`, update: seed(text), initialize: true },
        });
      const answers = await Promise.all([init(one, "first"), init(two, "second")]);
      const texts = answers.map((answer) => {
        const doc = new Y.Doc();
        Y.applyUpdate(doc, new Uint8Array(answer));
        return doc.getXmlFragment("prosemirror").toString().replaceAll(/<[^>]+>/g, "");
      });
      assert.equal(texts[0], texts[1]);
      // Our server has begun an empty note itself: then neither seed is taken.
      assert.match(texts[0] ?? "", /^(first|second|)$/);
      return `both got "${texts[0]}"`;
    },
  },
  {
    name: "a note changed by HTTP is told to those who look at it; a stranger can't join",
    async run(world) {
      const { admin } = world;
      const id = await createNote(admin, paragraph("x"));
      using tab = await admin.tab();
      tab.socket.emit("join-note", { auth: { token: admin.token }, note_id: id });
      await until(async () => {
        await admin.api("POST", `/api/v1/notes/${id}/update`, {
          title: `T ${crypto.randomUUID()}`,
        });
        return tab.of("events:note").length > 0;
      }, { what: "events:note", everyMs: 300 });
      const eve = await world.person("Eve");
      using hers = await eve.tab();
      hers.socket.emit("ydoc:document:join", { document_id: `note:${id}`, user_id: eve.id });
      hers.socket.emit("join-note", { auth: { token: eve.token }, note_id: id });
      await admin.api("POST", `/api/v1/notes/${id}/update`, { title: "told" });
      await until(() => tab.of("events:note").some(({ data }) => data.title === "told"), {
        what: "the last change",
      });
      assert.deepEqual(hers.of("events:note"), []);
      assert.deepEqual(hers.of("ydoc:document:state"), []);
      return "told; refused";
    },
  },
];
