import assert from "node:assert/strict";
import * as Y from "yjs";
import { DocumentProvider } from "../../lib/client/document_provider.ts";
import type { Note } from "../../lib/protocol/note.ts";
import { libraryClient } from "../client/fixture.ts";
import { type Person, signUp } from "../support/server.ts";
import { until } from "../support/until.ts";
import { inModes } from "../support/instances.ts";

const EVERYONE = ["read", "write"].map((permission) => ({
  principal_type: "user",
  principal_id: "*",
  permission,
}));

async function editor(url: string, person: Person, documentId: string) {
  await using stack = new AsyncDisposableStack();
  const { connection } = stack.use(await libraryClient({ url, token: person.token }));
  const user = { id: person.id, name: person.id, color: "#1f6f5c" };
  const provider = stack.use(new DocumentProvider({ connection, documentId, user }));
  await until(() => provider.status.state === "synced", { what: "the editor to be in" });
  const all = stack.move();
  const text = provider.doc.getText("scratch");
  return { provider, text, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

inModes(
  ["redis", "kv", "kvconnect"],
  "D1: a note that two edit at two instances converges, and a third finds all of it there",
  async ({ a, b }) => {
    const [ada, bob] = [await signUp(a.url), await signUp(a.url)];
    const note = { title: "Plan", access_grants: EVERYONE };
    const { id } = await ada.json<Note>("POST", "/api/v1/notes/create", note);
    const documentId = `note:${id}`;
    let written: Uint8Array;
    {
      await using here = await editor(a.url, ada, documentId);
      await using there = await editor(b.url, bob, documentId);
      for (let round = 0; round < 100; round++) {
        here.text.insert(0, `a${round} `);
        there.text.insert(there.text.length, `b${round} `);
        if (round % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 2));
      }
      const words = (text: Y.Text) => text.toString().split(" ").length - 1;
      await until(() => words(here.text) === 200 && words(there.text) === 200, {
        what: "all words at both",
      });
      assert.equal(here.text.toString(), there.text.toString());
      await until(() => here.provider.awareness.getStates().size === 2, { what: "the other" });
      written = Y.encodeStateVector(here.provider.doc);
    }
    await using later = await editor(b.url, ada, documentId);
    assert.deepEqual(Y.encodeStateVector(later.provider.doc).toSorted(), written.toSorted());
  },
);
