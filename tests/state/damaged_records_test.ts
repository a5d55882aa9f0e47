import assert from "node:assert/strict";
import type { Chat } from "../../lib/protocol/chat.ts";
import type { User } from "../../lib/protocol/user.ts";
import { keys, unchecked } from "../../lib/state/key_space.ts";
import { connect, type Person, signUp, startServer } from "../support/server.ts";

/** The statuses of what a person asks for first, and whether a socket gets a session. */
async function firstSteps(url: string, person: Person) {
  const paths = ["/api/v1/auths/", "/api/v1/chats", "/api/v1/channels", "/api/v1/notes/"];
  const statuses = await Promise.all(paths.map((path) => person.status("GET", path)));
  await using client = await connect(url, undefined, { reconnection: false });
  const joined = await client.socket.timeout(30_000)
    .emitWithAck("user-join", { auth: { token: person.token } })
    .then((answer) => answer?.id, () => undefined);
  return { statuses, joined };
}

Deno.test("O5: what is no user signs nobody in, and the server goes on for all others", async () => {
  await using app = await startServer();
  const { values } = app.services.store;
  const [admin, ada] = [await signUp(app.url), await signUp(app.url)];
  const record = await values.get(keys.user(ada.id));

  for (const damaged of ["garbage", 1, null, [], { id: ada.id }, { ...record, role: 7 }]) {
    await values.set(unchecked(keys.user(ada.id)), damaged);
    app.services.users.forgetAll();
    const { statuses, joined } = await firstSteps(app.url, ada);
    assert.deepEqual(statuses, [401, 401, 401, 401], JSON.stringify(damaged));
    assert.equal(joined, undefined);
    assert.deepEqual((await firstSteps(app.url, admin)).statuses, [200, 200, 200, 200]);
    const { users } = await admin.json<{ users: User[] }>("GET", "/api/v1/users/");
    assert.deepEqual(users.map(({ id }) => id), [admin.id]);
  }
});

Deno.test("O5: a user of an older record, without a picture and its times, is served as any other", async () => {
  await using app = await startServer();
  const { values } = app.services.store;
  const [, ada] = [await signUp(app.url), await signUp(app.url)];
  const record = await values.get(keys.user(ada.id));
  const { id, email, role, name } = record ?? {};
  await values.set(unchecked(keys.user(ada.id)), { id, email, role, name });
  app.services.users.forgetAll();
  const { statuses, joined } = await firstSteps(app.url, ada);
  assert.deepEqual(statuses, [200, 200, 200, 200]);
  assert.equal(joined, ada.id);
  const me = await ada.json<User>("GET", "/api/v1/auths/");
  assert.equal(me.profile_image_url, "/user.png");
});

Deno.test("O5: a session of another shape in the pool stops no sweep and no count", async () => {
  await using app = await startServer({ SESSION_TIMEOUT: "31" });
  const { store, sessions } = app.services;
  const admin = await signUp(app.url);
  await store.dictionary(unchecked(keys.sessionPool)).setMany([
    ["s1", "garbage"],
    ["s2", { id: 5 }],
    ["s3", { id: "u", last_seen_at: "long ago" }],
  ]);
  await store.dictionary(unchecked(keys.instances)).set("odd", "garbage");
  await store.dictionary(unchecked(keys.taskOwners)).set("odd", 7);
  assert.deepEqual(await sessions.userIds(["s1", "s2", "s3"]), ["u"]);
  const status = await admin.json<{ sessions: number; instances: { id: string }[] }>(
    "GET",
    "/api/v1/live",
  );
  assert.equal(status.sessions, 1);
  assert.deepEqual(status.instances.map(({ id }) => id), [app.instanceId]);
});

Deno.test("O5: a chat whose record can't be read keeps its messages and its place in the list", async () => {
  await using app = await startServer();
  const { store } = app.services;
  const ada = await signUp(app.url);
  const { id } = await ada.json<Chat>("POST", "/api/v1/chats/new", {
    chat: {
      title: "Kept",
      history: { currentId: "q", messages: { q: { id: "q", role: "user", content: "hello" } } },
    },
  });
  const record = await store.values.get(keys.chat(id));
  await store.values.set(unchecked(keys.chat(id)), { id: 7 });
  assert.equal(await ada.status("GET", `/api/v1/chats/${id}`), 404);
  assert.equal(await ada.status("POST", `/api/v1/chats/${id}`, { chat: { title: "New" } }), 404);
  // As if it had been there for long: what is left of a chat that never came is dropped then.
  await store.sortedIndex(keys.userChats(ada.id)).put({ member: id, score: 1 });
  assert.deepEqual(await ada.json("GET", "/api/v1/chats"), []);
  await store.values.set(unchecked(keys.chat(id)), record);
  const [listed] = await ada.json<{ id: string }[]>("GET", "/api/v1/chats");
  assert.equal(listed?.id, id);
  const { chat } = await ada.json<Chat>("GET", `/api/v1/chats/${id}`);
  assert.equal(chat.history?.messages?.q?.content, "hello");
});
