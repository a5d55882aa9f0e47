import assert from "node:assert/strict";
import type { App } from "../../lib/app.ts";
import type { AccessGrant } from "../../lib/protocol/access_grants.ts";
import type { Note, NoteSummary } from "../../lib/protocol/note.ts";
import { inModes } from "../support/instances.ts";
import { type Client, connect, type Person, signUp, startServer } from "../support/server.ts";
import { until } from "../support/until.ts";

const NOTES = "/api/v1/notes";

function grantTo(person: { id: string }, permission: "read" | "write" = "read"): AccessGrant {
  return { principal_type: "user", principal_id: person.id, permission };
}

const text = (md: string) => ({ content: { md, html: `<p>${md}</p>`, json: null } });

const create = (owner: Person, title: string, access_grants: AccessGrant[] = []): Promise<Note> =>
  owner.json("POST", `${NOTES}/create`, { title, data: text(`text of ${title}`), access_grants });

const share = (owner: Person, note: Note, access_grants: AccessGrant[]): Promise<Note> =>
  owner.json("POST", `${NOTES}/${note.id}/update`, { access_grants });

async function codeOf(person: Person, method: string, path: string, body?: unknown) {
  const response = await person.call(method, NOTES + path, body);
  const answer = await response.json();
  return response.ok ? response.status : `${response.status} ${answer.code}`;
}

const joinNote = (client: Client, noteId: string): Promise<{ status: boolean }> =>
  client.socket.timeout(30_000).emitWithAck("join-note", { note_id: noteId });

/** How many sockets are in the note's room, on that instance. */
const looking = ({ sockets: { io } }: App, note: Note) =>
  io.sockets.adapter.rooms.get(`note:${note.id}`)?.size ?? 0;

Deno.test("a note is its owner's, and whom it is shared with may do what was granted", async () => {
  await using app = await startServer();
  await signUp(app.url);
  const [ada, bob, eve] = [await signUp(app.url), await signUp(app.url), await signUp(app.url)];
  const note = await create(ada, "plans");
  assert.equal(note.user_id, ada.id);
  const read = await ada.json<Note & { write_access: boolean }>("GET", `${NOTES}/${note.id}`);
  assert.deepEqual(read, { ...note, write_access: true });
  for (const [method, path] of [["GET", ""], ["POST", "/update"], ["DELETE", "/delete"]] as const) {
    const body = method === "POST" ? { title: "mine" } : undefined;
    assert.equal(await codeOf(bob, method, `/${note.id}${path}`, body), "404 not_found");
  }

  await share(ada, note, [grantTo(bob), grantTo(eve, "write")]);
  const bobs = await bob.json<Note & { write_access: boolean }>("GET", `${NOTES}/${note.id}`);
  assert.equal(bobs.write_access, false);
  const change = { title: "better plans", data: text("new") };
  assert.equal(await codeOf(bob, "POST", `/${note.id}/update`, change), "403 forbidden");
  assert.equal(await codeOf(bob, "DELETE", `/${note.id}/delete`), "403 forbidden");
  const changed = await eve.json<Note>("POST", `${NOTES}/${note.id}/update`, change);
  assert.equal(changed.title, "better plans");
  assert.equal(changed.data?.content?.md, "new");
  assert.equal(changed.access_grants.length, 2);
  const steal = { access_grants: [grantTo(eve, "write")] };
  assert.equal(await codeOf(eve, "POST", `/${note.id}/update`, steal), "403 forbidden");

  assert.equal(await codeOf(ada, "DELETE", `/${note.id}/delete`), 200);
  assert.equal(await codeOf(ada, "GET", `/${note.id}`), "404 not_found");
  assert.deepEqual(await bob.json("GET", `${NOTES}/`), []);
});

Deno.test("the list has one's own and what is shared, last changed first, in pages", async () => {
  await using app = await startServer();
  const [admin, ada, bob] = [await signUp(app.url), await signUp(app.url), await signUp(app.url)];
  const group = await admin.json<{ id: string }>("POST", "/api/v1/groups/create", { name: "g" });
  const users = { user_ids: [bob.id] };
  const both = { user_ids: [ada.id, bob.id] };
  await admin.json("POST", `/api/v1/groups/id/${group.id}/users/add`, both);
  const toGroup: AccessGrant = {
    principal_type: "group",
    principal_id: group.id,
    permission: "read",
  };
  const own = await create(bob, "own");
  await create(ada, "not shared");
  const direct = await create(ada, "direct", [grantTo(bob), toGroup]);
  const grouped = await create(ada, "grouped", [toGroup]);
  const open = await create(ada, "open", [grantTo({ id: "*" })]);
  const titles = async () =>
    (await bob.json<NoteSummary[]>("GET", `${NOTES}/`)).map(({ title }) => title);
  assert.deepEqual(await titles(), ["open", "grouped", "direct", "own"]);
  await bob.json("POST", `${NOTES}/${own.id}/update`, { title: "own, changed" });
  assert.deepEqual(await titles(), ["own, changed", "open", "grouped", "direct"]);
  await admin.json("POST", `/api/v1/groups/id/${group.id}/users/remove`, users);
  assert.deepEqual(await titles(), ["own, changed", "open", "direct"]);
  await share(ada, direct, []);
  await ada.json("DELETE", `${NOTES}/${open.id}/delete`);
  assert.deepEqual(await titles(), ["own, changed"]);
  assert.equal(await codeOf(bob, "GET", `/${grouped.id}`), "404 not_found");

  await Promise.all(Array.from({ length: 62 }, (_, i) => create(bob, `${i}`)));
  const first = await bob.call("GET", `${NOTES}/`);
  const page = await first.json() as NoteSummary[];
  const rest = await bob.json<NoteSummary[]>(
    "GET",
    `${NOTES}/?cursor=${first.headers.get("x-next-cursor")}`,
  );
  assert.deepEqual([page.length, rest.length], [60, 3]);
  assert.equal(new Set([...page, ...rest].map(({ id }) => id)).size, 63);
  assert.deepEqual(await bob.json("GET", `${NOTES}/?page=2`), rest);
  assert.deepEqual(await bob.json("GET", `${NOTES}/?page=3`), []);
  for (const query of ["page=0", "page=x", "cursor=x"]) {
    assert.equal(await codeOf(bob, "GET", `/?${query}`), "400 invalid_payload", query);
  }
});

Deno.test("of a long note a list shows how it begins", async () => {
  await using app = await startServer();
  const ada = await signUp(app.url);
  const { id } = await ada.json<Note>("POST", `${NOTES}/create`, {
    title: "long",
    data: text("x".repeat(1_000_000)),
  });
  const [listed] = await ada.json<NoteSummary[]>("GET", `${NOTES}/`);
  assert.equal(listed?.data?.content?.md?.length, 1_000);
  const whole = await ada.json<Note>("GET", `${NOTES}/${id}`);
  assert.equal(whole.data?.content?.md?.length, 1_000_000);
});

Deno.test("changes that come at once: none is lost, and a deleted note stays deleted", async () => {
  await using app = await startServer();
  const ada = await signUp(app.url);
  const note = await create(ada, "busy");
  const at = `/${note.id}/update`;
  await Promise.all(Array.from(
    { length: 20 },
    (_, i) => codeOf(ada, "POST", at, { meta: { [`key${i}`]: i } }),
  ));
  const { meta } = await ada.json<Note>("GET", `${NOTES}/${note.id}`);
  assert.equal(Object.keys(meta ?? {}).length, 20);
  await Promise.all([
    codeOf(ada, "DELETE", `/${note.id}/delete`),
    ...Array.from({ length: 10 }, (_, i) => codeOf(ada, "POST", at, { data: text(`${i}`) })),
  ]);
  assert.equal(await codeOf(ada, "GET", `/${note.id}`), "404 not_found");
  assert.equal(await app.services.notes.load(note.id), undefined);
  await assert.rejects(app.services.notes.save(note.id, { md: "late" }), { code: "not_found" });
});

Deno.test("those who look at a note hear of changes made elsewhere", async () => {
  await using app = await startServer();
  const [ada, bob, eve] = [await signUp(app.url), await signUp(app.url), await signUp(app.url)];
  const note = await create(ada, "shared", [grantTo(bob)]);
  await using reader = await connect(app.url, bob.token);
  await using stranger = await connect(app.url, eve.token);
  const heard: Note[] = [];
  reader.socket.on("events:note", (changed: Note) => heard.push(changed));
  stranger.socket.on("events:note", () => assert.fail("a stranger heard of the note"));
  assert.equal((await joinNote(reader, note.id)).status, true);
  assert.equal((await joinNote(stranger, note.id)).status, false);
  await ada.json("POST", `${NOTES}/${note.id}/update`, { title: "renamed" });
  await until(() => heard.length === 1);
  assert.deepEqual([heard[0]?.id, heard[0]?.title], [note.id, "renamed"]);
});

async function loseAccess(near: App, far: App): Promise<void> {
  const [admin, ada, bob] = [
    await signUp(near.url),
    await signUp(near.url),
    await signUp(near.url),
  ];
  const group = await admin.json<{ id: string }>("POST", "/api/v1/groups/create", { name: "g" });
  const inGroup = (action: string, { id } = bob) =>
    admin.json("POST", `/api/v1/groups/id/${group.id}/users/${action}`, { user_ids: [id] });
  await inGroup("add", ada);
  const ways: { grants: AccessGrant[]; lose(note: Note): Promise<unknown> }[] = [
    { grants: [grantTo(bob)], lose: (note) => share(ada, note, []) },
    { grants: [grantTo({ id: "*" })], lose: (note) => share(ada, note, [grantTo(admin)]) },
    { grants: [grantTo(bob)], lose: ({ id }) => ada.json("DELETE", `${NOTES}/${id}/delete`) },
    {
      grants: [{ principal_type: "group", principal_id: group.id, permission: "read" }],
      lose: () => inGroup("remove"),
    },
  ];
  await using reader = await connect(far.url, bob.token);
  for (const [at, { grants, lose }] of ways.entries()) {
    if (at === 3) await inGroup("add");
    const note = await create(ada, `${at}`, grants);
    assert.equal((await joinNote(reader, note.id)).status, true);
    assert.equal(looking(far, note), 1);
    await lose(note);
    const what = `way ${at} to lose a note`;
    await until(() => looking(far, note) === 0, { limitMs: 10_000, what });
    assert.equal((await joinNote(reader, note.id)).status, false);
  }
}

Deno.test("A1: who loses a note leaves its room at once", async () => {
  await using app = await startServer();
  await loseAccess(app, app);
});

inModes(
  ["redis", "kvconnect"],
  "A1: the same on another instance, in under two seconds",
  ({ a, b }) => loseAccess(a, b),
);

Deno.test("only an admin makes groups and changes them", async () => {
  await using app = await startServer();
  const [admin, ada] = [await signUp(app.url), await signUp(app.url)];
  const group = await admin.json<{ id: string }>("POST", "/api/v1/groups/create", { name: "g" });
  const at = `/api/v1/groups/id/${group.id}`;
  for (
    const [method, path, body] of [
      ["POST", "/api/v1/groups/create", { name: "x" }],
      ["GET", at, undefined],
      ["POST", `${at}/update`, { name: "x" }],
      ["POST", `${at}/users`, {}],
      ["POST", `${at}/users/add`, { user_ids: [ada.id] }],
      ["POST", `${at}/users/remove`, { user_ids: [admin.id] }],
      ["DELETE", `${at}/delete`, undefined],
    ] as const
  ) {
    assert.equal(await ada.status(method, path, body), 403, path);
  }
  assert.deepEqual(await ada.json("GET", "/api/v1/groups/"), []);
  const users = { user_ids: [ada.id, "nobody"] };
  const grown = await admin.json<{ member_count: number }>("POST", `${at}/users/add`, users);
  assert.equal(grown.member_count, 1);
  const [listed] = await ada.json<{ id: string }[]>("GET", "/api/v1/groups/");
  assert.equal(listed?.id, group.id);
  const [member] = await admin.json<{ id: string }[]>("POST", `${at}/users`, {});
  assert.equal(member?.id, ada.id);
  assert.equal(
    (await admin.json<{ name: string }>("POST", `${at}/update`, { name: "h" })).name,
    "h",
  );
  assert.equal(await admin.json("DELETE", `${at}/delete`), true);
  assert.deepEqual(await ada.json("GET", "/api/v1/groups/"), []);
});

Deno.test("N3, X14: HTML is made from what was sent, and what is nested without end is refused", async () => {
  await using app = await startServer();
  const ada = await signUp(app.url);
  const html = `<p onclick="x">kept <b>text</b></p><script>alert(1)</script>`;
  const { id, data } = await ada.json<Note>("POST", "/api/v1/notes/create", {
    ...{ title: "x", data: { content: { html } } },
  });
  assert.equal(data?.content?.html, "<p>kept <strong>text</strong></p>");
  const { data: after } = await ada.json<Note>("POST", `/api/v1/notes/${id}/update`, {
    data: { content: { html: "<h1>new</h1><img src=x onerror=alert(1)>" } },
  });
  assert.equal(after?.content?.html, `<h1>new</h1><img src="x">`);
  const deep = "[".repeat(50_000) + "]".repeat(50_000);
  const body = `{"data":{"content":{"json":{"type":"doc","attrs":{"odd":${deep}},"content":[]}}}}`;
  const answer = await fetch(`${app.url}/api/v1/notes/${id}/update`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${ada.token}` },
    body,
  });
  const problem: { code: string } = await answer.json();
  assert.equal(answer.status, 400);
  assert.equal(problem.code, "invalid_payload");
});
