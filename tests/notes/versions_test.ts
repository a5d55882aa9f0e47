import assert from "node:assert/strict";
import { NoteStore } from "../../lib/notes/note_store.ts";
import { thinned } from "../../lib/notes/note_versions.ts";
import type { Note, NoteVersion } from "../../lib/protocol/note.ts";
import { UserQuotas } from "../../lib/quotas/user_quotas.ts";
import { keys } from "../../lib/state/key_space.ts";
import { openKvStore } from "../../lib/state/kv_store.ts";
import { silentLogger as logger } from "../../lib/common/logger.ts";
import { signUp, startServer } from "../support/server.ts";

const NOTES = "/api/v1/notes";
const MINUTE_MS = 60_000;
const owner = { id: "ada", role: "user" as const };
const text = (md: string) => ({ content: { md } });

async function storeOfNotes() {
  const store = await openKvStore({ path: ":memory:", keyPrefix: "t", logger });
  const clock = { ms: 1_800_000_000_000, nowMs: () => clock.ms };
  const quotas = new UserQuotas(store);
  const groups = {
    memberOf: () => Promise.resolve(new Set<string>()),
    groupsOf: () => Promise.resolve([]),
  };
  const findUser = () => Promise.resolve(owner);
  const notes = new NoteStore({ store, groups, findUser, quotas, clock });
  const previews = async (id: string) =>
    (await notes.versions(owner, id)).map(({ preview }) => preview);
  return {
    store,
    clock,
    quotas,
    notes,
    previews,
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

Deno.test("a text that is written over is kept, every ten minutes and when it is asked for", async () => {
  await using place = await storeOfNotes();
  const { clock, notes, previews } = place;
  const { id } = await notes.create(owner, { title: "plan", data: text("first") });
  assert.deepEqual(await previews(id), []);
  for (const md of ["second", "third", "fourth"]) {
    clock.ms += MINUTE_MS;
    await notes.save(id, { md });
  }
  assert.deepEqual(await previews(id), ["first"]);
  clock.ms += 10 * MINUTE_MS;
  await notes.save(id, { md: "fifth" });
  assert.deepEqual(await previews(id), ["fourth", "first"]);
  clock.ms += MINUTE_MS;
  await notes.keepVersion(id);
  await notes.update(owner, id, { data: text("sixth") });
  assert.deepEqual(await previews(id), ["fifth", "fourth", "first"]);
  const [newest] = await notes.versions(owner, id);
  const { content } = await notes.version(owner, id, newest?.id ?? "");
  assert.equal(content.md, "fifth");
});

Deno.test("an empty text is no version, and a title alone keeps none", async () => {
  await using place = await storeOfNotes();
  const { clock, notes, previews } = place;
  const { id } = await notes.create(owner, { title: "plan", data: text("") });
  clock.ms += 20 * MINUTE_MS;
  await notes.save(id, { md: "typed" });
  clock.ms += 20 * MINUTE_MS;
  await notes.update(owner, id, { title: "another" });
  assert.deepEqual(await previews(id), []);
});

Deno.test("earlier texts count as their owner's, and are gone with the note", async () => {
  await using place = await storeOfNotes();
  const { store, clock, notes, quotas } = place;
  const { id } = await notes.create(owner, { title: "plan", data: text("x".repeat(1_000)) });
  const before = (await quotas.held(owner.id)).note_bytes;
  clock.ms += MINUTE_MS;
  await notes.save(id, { md: "y".repeat(1_000) });
  const [version] = await notes.versions(owner, id);
  assert.ok(version && version.bytes >= 1_000);
  assert.equal((await quotas.held(owner.id)).note_bytes, before + version.bytes);
  await notes.delete(owner, id);
  assert.equal((await quotas.held(owner.id)).note_bytes, 0);
  assert.equal(await store.values.get(keys.noteVersions(id)), undefined);
  assert.equal(await store.values.get(keys.noteVersion(id, version.id)), undefined);
});

Deno.test("there are forty versions at most, 16 MiB in all, and the older they are the rarer", () => {
  const version = (saved_at: number, bytes = 1): NoteVersion => ({
    ...{ id: String(saved_at), saved_at, bytes, preview: "" },
  });
  let kept: NoteVersion[] = [];
  for (let at = 1; at <= 1_000; at++) kept = thinned([...kept, version(at * 600)]);
  const times = kept.map(({ saved_at }) => saved_at / 600);
  assert.equal(times.length, 40);
  assert.deepEqual([times[0], ...times.slice(-5)], [1, 996, 997, 998, 999, 1_000]);
  const gaps = times.slice(1).map((time, at) => time - (times[at] ?? 0));
  const [older, newer] = [gaps.slice(0, 10), gaps.slice(-10)];
  assert.ok(Math.min(...older) > Math.max(...newer), `${gaps}`);
  const large = [1, 2, 3, 4].map((at) => version(at, 7 * 1024 * 1024));
  assert.equal(thinned(large).length, 2);
  assert.equal(thinned(large).at(-1), large.at(-1));
});

Deno.test("who may read a note sees its versions, who may write restores one, its owner sees with whom it is shared", async () => {
  await using app = await startServer();
  await signUp(app.url);
  const [ada, bob, eve] = [
    await signUp(app.url, "Ada"),
    await signUp(app.url, "Bob"),
    await signUp(app.url, "Eve"),
  ];
  const access_grants = [{ principal_type: "user", principal_id: bob.id, permission: "read" }];
  const { id } = await ada.json<Note>("POST", `${NOTES}/create`, {
    ...{ title: "plan", data: text("first"), access_grants },
  });
  await ada.json("POST", `${NOTES}/${id}/update`, { data: text("second") });
  const [version] = await bob.json<NoteVersion[]>("GET", `${NOTES}/${id}/versions`);
  assert.equal(version?.preview, "first");
  const path = `${NOTES}/${id}/versions/${version.id}`;
  assert.equal((await bob.json<Note["data"]>("GET", path))?.content?.md, "first");
  assert.equal(await bob.status("POST", `${path}/restore`), 403);
  for (const [method, at] of [["GET", `${NOTES}/${id}/versions`], ["GET", path]] as const) {
    assert.equal(await eve.status(method, at), 404, at);
  }
  assert.equal(await eve.status("POST", `${path}/restore`), 404);
  assert.equal(await ada.status("GET", `${NOTES}/${id}/versions/1`), 404);
  const restored = await ada.json<Note>("POST", `${path}/restore`);
  assert.equal(restored.data?.content?.md, "first");
  const previews = await ada.json<NoteVersion[]>("GET", `${NOTES}/${id}/versions`);
  assert.ok(previews.some(({ preview }) => preview === "second"));

  const { principals } = await ada.json<{ principals: unknown }>("GET", `${NOTES}/${id}/access`);
  assert.deepEqual(principals, [
    { principal_type: "user", principal_id: ada.id, name: "Ada" },
    { principal_type: "user", principal_id: bob.id, name: "Bob" },
  ]);
  assert.equal(await bob.status("GET", `${NOTES}/${id}/access`), 403);
  assert.equal(await eve.status("GET", `${NOTES}/${id}/access`), 404);
});

Deno.test("notes that are being written are listed in the order of their last change", async () => {
  await using place = await storeOfNotes();
  const { clock, notes } = place;
  const made = [];
  for (const title of ["one", "two", "three"]) {
    clock.ms += MINUTE_MS;
    made.push((await notes.create(owner, { title })).id);
  }
  const [one = "", two = "", three = ""] = made;
  clock.ms += MINUTE_MS;
  // One is put on top by each first save; the saves within the minute say it in the record alone.
  for (const id of [one, two, three, one, two, one]) {
    clock.ms += 1_000;
    await notes.save(id, { md: `at ${clock.ms}` });
  }
  const titles = async () =>
    (await notes.page(owner, { limit: 50 })).notes.map(({ title }) => title);
  assert.deepEqual(await titles(), ["one", "two", "three"]);
  clock.ms += 2 * MINUTE_MS;
  await notes.save(three, { md: "later" });
  // Where a page ends within the same minute, the list itself has the newest on top.
  assert.deepEqual((await notes.page(owner, { limit: 1 })).notes.map(({ title }) => title), [
    "three",
  ]);
});

Deno.test("what saves add to a note is counted, to a kilobyte, and all of it goes with the note", async () => {
  await using place = await storeOfNotes();
  const { notes, quotas } = place;
  const { id } = await notes.create(owner, { title: "plan" });
  const held = async () => (await quotas.held(owner.id)).note_bytes;
  for (let length = 100; length <= 8_000; length += 100) {
    await notes.save(id, { md: "x".repeat(length) });
    const stored = JSON.stringify(text("x".repeat(length))).length;
    const kept = (await notes.versions(owner, id)).reduce((sum, { bytes }) => sum + bytes, 0);
    const off = Math.abs(await held() - stored - kept);
    assert.ok(off <= 1_024, `${off} bytes of ${stored} are not counted`);
  }
  await notes.delete(owner, id);
  assert.equal(await held(), 0);
});
