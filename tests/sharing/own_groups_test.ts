import assert from "node:assert/strict";
import { type Person, signUp, startServer } from "../support/server.ts";

const CHANNELS = "/api/v1/channels";
const NOTES = "/api/v1/notes";

async function groupOf(admin: Person, members: Person[]): Promise<string> {
  const { id } = await admin.json<{ id: string }>("POST", "/api/v1/groups/create", {
    name: "board",
    description: "",
  });
  const user_ids = members.map(({ id }) => id);
  await admin.json("POST", `/api/v1/groups/id/${id}/users/add`, { user_ids });
  return id;
}

async function refusal(person: Person, path: string, body: unknown): Promise<string> {
  const response = await person.call("POST", path, body);
  const answer = await response.json();
  return response.ok ? JSON.stringify(answer) : `${response.status} ${answer.code}`;
}

Deno.test("X15: a group that one is not in can't be added to a channel, and its members stay unknown", async () => {
  await using app = await startServer();
  const [admin, ada, bob] = [await signUp(app.url), await signUp(app.url), await signUp(app.url)];
  const board = await groupOf(admin, [bob]);
  const channel = { name: "mine", type: "group", group_ids: [board] };
  // What is there and what is not are told the same way.
  for (const group of [board, crypto.randomUUID()]) {
    const asked = { ...channel, group_ids: [group] };
    assert.equal(await refusal(ada, `${CHANNELS}/create`, asked), "404 not_found");
    assert.equal(
      await refusal(ada, `${CHANNELS}/create`, { ...asked, type: "dm" }),
      "404 not_found",
    );
  }
  const own = await ada.json<{ id: string }>("POST", `${CHANNELS}/create`, {
    name: "mine",
    type: "group",
  });
  const add = `${CHANNELS}/${own.id}/update/members/add`;
  assert.equal(await refusal(ada, add, { group_ids: [board] }), "404 not_found");
  const { users } = await ada.json<{ users: { id: string }[] }>(
    "GET",
    `${CHANNELS}/${own.id}/members`,
  );
  assert.deepEqual(users.map(({ id }) => id), [ada.id]);
  // Whoever is in it may, and an admin.
  await bob.json("POST", `${CHANNELS}/create`, channel);
  await admin.json("POST", `${CHANNELS}/create`, channel);
});

Deno.test("X15: a note is shared with groups of one's own only; what was granted before stays", async () => {
  await using app = await startServer();
  const [admin, ada, bob] = [await signUp(app.url), await signUp(app.url), await signUp(app.url)];
  const board = await groupOf(admin, [bob]);
  const access_grants = [{ principal_type: "group", principal_id: board, permission: "read" }];
  const body = { title: "plans", access_grants };
  assert.equal(await refusal(ada, `${NOTES}/create`, body), "404 not_found");
  const { id } = await ada.json<{ id: string }>("POST", `${NOTES}/create`, { title: "plans" });
  assert.equal(await refusal(ada, `${NOTES}/${id}/update`, { access_grants }), "404 not_found");
  const { id: bobs } = await bob.json<{ id: string }>("POST", `${NOTES}/create`, body);
  await admin.json("POST", `/api/v1/groups/id/${board}/users/remove`, { user_ids: [bob.id] });
  await bob.json("POST", `${NOTES}/${bobs}/update`, { title: "plans, later", access_grants });
});
