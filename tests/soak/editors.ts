/** People who write in shared notes, with the library that the pages use. */
import * as Y from "yjs";
import { connect } from "../../lib/client/connect.ts";
import type { Connection } from "../../lib/client/connection.ts";
import { DocumentProvider } from "../../lib/client/document_provider.ts";
import { pause } from "../../lib/common/pause.ts";
import type { Note } from "../../lib/protocol/note.ts";
import { until } from "../support/until.ts";
import type { World } from "./world.ts";

const EDITORS_PER_NOTE = 5;
/** A note does not grow for an hour: who finds so much takes some away. */
const LONGEST = 2_000;
const EVERYONE = ["read", "write"].map((permission) => ({
  ...{ principal_type: "user", principal_id: "*", permission },
}));

interface Editor {
  noteId: string;
  connection: Connection;
  provider: DocumentProvider;
}

export class Editors implements AsyncDisposable {
  edits = 0;
  readonly #editors: Editor[] = [];

  static async open(world: World, size: number): Promise<Editors> {
    const editors = new Editors();
    for (let at = 0; at < size; at += EDITORS_PER_NOTE) {
      const owner = world.people[at];
      if (!owner) break;
      const body = { title: `Note ${at}`, access_grants: EVERYONE };
      const { id } = await owner.json<Note>("POST", "/api/v1/notes/create", body);
      for (let more = at; more < Math.min(size, at + EDITORS_PER_NOTE); more++) {
        const person = world.people[more] ?? owner;
        const connection = connect({ url: world.server().url, token: person.token });
        const user = { id: person.id, name: person.id, color: "#1f6f5c" };
        const provider = new DocumentProvider({ connection, documentId: `note:${id}`, user });
        editors.#editors.push({ noteId: id, connection, provider });
      }
    }
    await until(
      () => editors.#editors.every(({ provider }) => provider.status.state === "synced"),
      {
        what: "all editors to have their notes",
        limitMs: 60_000,
      },
    );
    return editors;
  }

  async run(editsPerMinute: number, signal: AbortSignal): Promise<void> {
    const everyMs = 60_000 / editsPerMinute;
    await Promise.all(this.#editors.map(async ({ provider: { doc } }) => {
      await pause(everyMs * Math.random(), signal);
      while (!signal.aborted) {
        edit(doc);
        this.edits++;
        await pause(everyMs * (0.5 + Math.random()), signal);
      }
    }));
  }

  /** Waits until all editors of a note see the same; throws when they don't. */
  async converged(): Promise<void> {
    const notes = Map.groupBy(this.#editors, ({ noteId }) => noteId);
    const isSame = (editors: readonly Editor[]) =>
      new Set(editors.map(({ provider }) => textOf(provider.doc))).size === 1;
    await until(() => [...notes.values()].every(isSame), {
      what: "all editors of each note to see the same",
      limitMs: 60_000,
      everyMs: 200,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { provider, connection } of this.#editors) {
      provider[Symbol.dispose]();
      connection.close();
    }
    await until(() => this.#editors.every(({ connection }) => connection.isIdle), {
      what: "the editors' ends",
    });
  }
}

const textOf = (doc: Y.Doc) => doc.getXmlFragment("prosemirror").toString();

function edit(doc: Y.Doc): void {
  const fragment = doc.getXmlFragment("prosemirror");
  doc.transact(() => {
    let paragraph = fragment.get(0);
    if (!(paragraph instanceof Y.XmlElement)) {
      paragraph = new Y.XmlElement("paragraph");
      fragment.insert(0, [paragraph]);
    }
    let text = (paragraph as Y.XmlElement).get(0);
    if (!(text instanceof Y.XmlText)) {
      text = new Y.XmlText();
      (paragraph as Y.XmlElement).insert(0, [text]);
    }
    const words = text as Y.XmlText;
    if (words.length > LONGEST) words.delete(0, Math.floor(words.length / 2));
    else words.insert(Math.floor(Math.random() * (words.length + 1)), "word ");
  });
}
