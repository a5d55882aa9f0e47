import assert from "node:assert/strict";
import * as Y from "yjs";
import { pause } from "../../lib/common/pause.ts";
import type { Digester } from "../../lib/documents/digester.ts";
import type { Member } from "../../lib/documents/members.ts";
import { UpdateAdmission } from "../../lib/documents/update_admission.ts";
import { UpdateGuard } from "../../lib/documents/update_guard.ts";
import { UserCosts } from "../../lib/documents/user_costs.ts";
import { WeighedDoc } from "../../lib/documents/weighed_doc.ts";

const COSTLY = 800;
const CHEAP = 500;

/** A document whose trials are recorded, by how many items it had; `beside` happens while one goes on. */
class Admitted {
  readonly doc = new WeighedDoc();
  readonly tried: number[] = [];
  readonly taken: string[] = [];
  beside: () => void = () => {};
  readonly #admission: UpdateAdmission;

  constructor() {
    const run = async () => {
      this.tried.push(this.doc.structs);
      this.beside();
      await pause(1);
      return { depth: 1, tookMs: 1 };
    };
    const digester = { run } as unknown as Digester;
    const limits = { maxDocumentBytes: 1e8, maxDocumentWeight: 1e9 };
    this.#admission = new UpdateAdmission(
      new UpdateGuard({ digester, ...limits }),
      new UserCosts(),
    );
  }

  send(name: string, sid: string, items: number): Promise<void> {
    const update = itemsOf(items);
    const by = { sid, userId: name, canWrite: true } as Member;
    return this.#admission.admit({
      doc: () => this.doc,
      ...{ update, by },
      take: () => {
        this.taken.push(name);
        this.doc.take(update);
        return Promise.resolve();
      },
    });
  }

  grow(items: number): void {
    this.doc.take(itemsOf(items));
  }
}

let lastClientId = 2 ** 31;

/** An update of so many items, in a text of its own; by an id of five bytes, as most have. */
function itemsOf(items: number): Uint8Array {
  const doc = new Y.Doc();
  doc.clientID = ++lastClientId;
  const text = doc.getText(`${doc.clientID}`);
  doc.transact(() => {
    for (let at = 0; at < items; at++) text.insert(0, "x");
  });
  return Y.encodeStateAsUpdate(doc);
}

Deno.test("X3: what a writer sends next is weighed with what was tried before it", async () => {
  const admitted = new Admitted();
  await Promise.all([
    admitted.send("costly", "s1", COSTLY),
    // Cheap in a document that has nothing yet.
    admitted.send("next", "s1", CHEAP),
  ]);
  assert.deepEqual(admitted.taken, ["costly", "next"]);
  assert.deepEqual(admitted.tried, [0, COSTLY], "the second with the first one in the document");
});

Deno.test("X3: updates of several writers are tried one after another, and others' typing waits for none", async () => {
  const admitted = new Admitted();
  const trials = ["a", "b", "c"].map((name) => admitted.send(name, name, COSTLY));
  await admitted.send("typing", "t", 1);
  assert.deepEqual(admitted.taken, ["typing"]);
  await Promise.all(trials);
  assert.deepEqual(admitted.taken, ["typing", "a", "b", "c"]);
  assert.deepEqual(admitted.tried.map((structs) => Math.floor(structs / COSTLY)), [0, 1, 2]);
});

Deno.test("X3: an update is tried again with what came while it was tried, and not for ever", async () => {
  const admitted = new Admitted();
  let times = 1;
  admitted.beside = () => times-- > 0 && admitted.grow(3_000);
  await admitted.send("a", "s1", COSTLY);
  assert.equal(admitted.tried.length, 2);
  times = Infinity;
  await assert.rejects(admitted.send("b", "s1", COSTLY), { code: "unavailable" });
  assert.deepEqual(admitted.taken, ["a"]);
  admitted.beside = () => {};
  await admitted.send("c", "s2", 1);
  assert.deepEqual(admitted.taken, ["a", "c"]);
});
