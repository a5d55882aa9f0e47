import assert from "node:assert/strict";
import type { App } from "../../lib/app.ts";
import type { Channel, ChannelMessage } from "../../lib/protocol/channel.ts";
import { inModes } from "../support/instances.ts";
import { type Person, signUp, startServer } from "../support/server.ts";
import { until } from "../support/until.ts";
import { connectToChannels, makeGroup, messagesOf, post, refusal } from "./fixture.ts";

Deno.test("a group's members hear what is said, and nobody else does", async () => {
  await using app = await startServer();
  const [admin, ada, bob] = [await signUp(app.url), await signUp(app.url), await signUp(app.url)];
  const channel = await makeGroup(ada, [bob]);
  await using outsider = await connectToChannels(app.url, admin.token);
  await using listener = await connectToChannels(app.url, bob.token);
  const message = await post(ada, channel.id, "hello", { temp_id: "t1" });
  await until(() => listener.of("message").length === 1);
  const [heard] = listener.of("message");
  assert.equal(heard?.channel_id, channel.id);
  assert.equal(heard?.message_id, message.id);
  assert.equal(heard?.user?.id, ada.id);
  assert.equal(heard?.channel?.id, channel.id);
  const data = heard?.data.data as ChannelMessage & { temp_id: string };
  assert.equal(data.content, "hello");
  assert.equal(data.temp_id, "t1");
  assert.equal(data.user?.id, ada.id);
  assert.deepEqual(outsider.heard, []);
  const at = `/api/v1/channels/${channel.id}`;
  assert.equal(await refusal(admin, "GET", at), "404 not_found");
  for (const path of ["/messages", "/members", `/messages/${message.id}`]) {
    assert.equal(await refusal(admin, "GET", at + path), "404 not_found", path);
  }
  const body = { content: "let me in" };
  assert.equal(await refusal(admin, "POST", `${at}/messages/post`, body), "404 not_found");
  assert.equal(await refusal(admin, "GET", `${at}%2Fmessages`), "404 not_found");
  const typing = { channel_id: channel.id, data: { type: "typing", data: { typing: true } } };
  const refused = await outsider.ask("events:channel", typing);
  assert.deepEqual(refused.status, false);
});

Deno.test("messages are edited, deleted, pinned and threaded; the room hears of each", async () => {
  await using app = await startServer();
  const [, ada, bob] = [await signUp(app.url), await signUp(app.url), await signUp(app.url)];
  const channel = await makeGroup(ada, [bob]);
  await using listener = await connectToChannels(app.url, bob.token);
  const at = `/api/v1/channels/${channel.id}/messages`;
  const first = await post(ada, channel.id, "first");
  const second = await post(ada, channel.id, "second", { reply_to_id: first.id });
  const reply = await post(bob, channel.id, "in a thread", { parent_id: first.id });

  assert.equal(second.reply_to_message?.content, "first");
  const shown = await messagesOf(bob, channel.id);
  assert.deepEqual(shown.map(({ content }) => content), ["second", "first"]);
  assert.equal(shown[1]?.reply_count, 1);
  assert.equal(shown[1]?.latest_reply_at, reply.created_at);
  const thread = await bob.json<ChannelMessage[]>("GET", `${at}/${first.id}/thread`);
  assert.deepEqual(thread.map(({ id }) => id), [reply.id, first.id]);
  await until(() => listener.of("message:reply").length === 1);

  const change = { content: "changed", data: { a: 1 } };
  assert.equal(await refusal(bob, "POST", `${at}/${first.id}/update`, change), "403 forbidden");
  await ada.json("POST", `${at}/${first.id}/update`, change);
  await until(() => listener.of("message:update").length === 1);
  assert.equal((await ada.json<ChannelMessage>("GET", `${at}/${first.id}`)).content, "changed");
  assert.deepEqual(await ada.json("GET", `${at}/${first.id}/data`), { a: 1 });

  await bob.json("POST", `${at}/${second.id}/pin`, { is_pinned: true });
  const pinned = await ada.json<ChannelMessage[]>("GET", `${at}/pinned`);
  assert.deepEqual(pinned.map(({ id, pinned_by }) => [id, pinned_by]), [[second.id, bob.id]]);
  await bob.json("POST", `${at}/${second.id}/pin`, { is_pinned: false });
  assert.deepEqual(await ada.json("GET", `${at}/pinned`), []);

  assert.equal(await refusal(bob, "DELETE", `${at}/${first.id}/delete`), "403 forbidden");
  assert.equal(await ada.json("DELETE", `${at}/${first.id}/delete`), true);
  await until(() => listener.of("message:delete").length === 1);
  for (const id of [first.id, reply.id]) {
    assert.equal(await refusal(ada, "GET", `${at}/${id}`), "404 not_found");
  }
  const tooDeep = { content: "x", parent_id: reply.id };
  assert.equal(await refusal(ada, "POST", `${at}/post`, tooDeep), "404 not_found");
});

Deno.test("messages come in pages, and a cursor leads to the next", async () => {
  await using app = await startServer();
  const ada = await signUp(app.url);
  const channel = await makeGroup(ada, []);
  for (let at = 0; at < 7; at++) await post(ada, channel.id, `${at}`);
  const path = `/api/v1/channels/${channel.id}/messages`;
  const seen: string[] = [];
  let cursor = "";
  do {
    const response = await ada.call("GET", `${path}?limit=3${cursor}`);
    const page = await response.json() as ChannelMessage[];
    seen.push(...page.map(({ content }) => content));
    const next = response.headers.get("x-next-cursor");
    cursor = next === null ? "" : `&cursor=${next}`;
  } while (cursor !== "");
  assert.deepEqual(seen, ["6", "5", "4", "3", "2", "1", "0"]);
  const skipped = await ada.json<ChannelMessage[]>("GET", `${path}?skip=5&limit=3`);
  assert.deepEqual(skipped.map(({ content }) => content), ["1", "0"]);
  for (const query of ["limit=0", "limit=101", "skip=-1", "cursor=nonsense"]) {
    assert.equal(await refusal(ada, "GET", `${path}?${query}`), "400 invalid_payload", query);
  }
});

async function reactAtOnce(near: App, far: App): Promise<void> {
  const people = await Promise.all(
    Array.from({ length: 10 }, (_, at) => signUp([near, far][at % 2]?.url ?? "")),
  );
  const [ada, ...others] = people;
  assert.ok(ada);
  const channel = await makeGroup(ada, others);
  const message = await post(ada, channel.id, "vote");
  const at = `/api/v1/channels/${channel.id}/messages/${message.id}`;
  const names = ["+1", "tada", "eyes"];
  await Promise.all(people.flatMap((person) =>
    names.flatMap((name) => [
      person.json("POST", `${at}/reactions/add`, { name }),
      person.json("POST", `${at}/reactions/add`, { name }),
    ])
  ));
  const { reactions } = await ada.json<ChannelMessage>("GET", at);
  assert.deepEqual(
    reactions.map(({ name, count }) => [name, count]).sort(),
    names.map((name) => [name, people.length]).sort(),
  );
  for (const { users } of reactions) {
    assert.deepEqual(users.map(({ id }) => id).sort(), people.map(({ id }) => id).sort());
  }
  await Promise.all(
    people.map((person) => person.json("POST", `${at}/reactions/remove`, { name: "eyes" })),
  );
  const after = await ada.json<ChannelMessage>("GET", at);
  assert.deepEqual(after.reactions.map(({ name }) => name).sort(), ["+1", "tada"]);
}

Deno.test("reactions that come at once are all there, and each once", async () => {
  await using app = await startServer();
  await reactAtOnce(app, app);
});

inModes(
  ["redis", "kvconnect"],
  "reactions that come at once by two instances are all there",
  ({ a, b }) => reactAtOnce(a, b),
);

Deno.test("a direct channel is there once for its people, whoever makes it", async () => {
  await using app = await startServer();
  const [, ada, bob] = [await signUp(app.url), await signUp(app.url), await signUp(app.url)];
  const make = (one: typeof ada, other: typeof bob) =>
    one.json<Channel>("POST", "/api/v1/channels/create", { type: "dm", user_ids: [other.id] });
  const made = await Promise.all([make(ada, bob), make(bob, ada), make(ada, bob)]);
  assert.equal(new Set(made.map(({ id }) => id)).size, 1);
  const id = made[0]?.id ?? "";
  assert.equal((await ada.json<Channel>("GET", `/api/v1/channels/users/${bob.id}`)).id, id);
  const [listed] = await bob.json<(Channel & { user_ids: string[] })[]>("GET", "/api/v1/channels/");
  assert.deepEqual(listed?.user_ids.sort(), [ada.id, bob.id].sort());
  const add = { user_ids: [ada.id] };
  assert.equal(
    await refusal(ada, "POST", `/api/v1/channels/${id}/update/members/add`, add),
    "400 invalid_payload",
  );
  const said = await post(ada, id, "between us");
  const at = `/api/v1/channels/${id}`;
  assert.equal(
    await refusal(bob, "DELETE", `${at}/messages/${said.id}/delete`),
    "403 forbidden",
  );
  for (const one of [ada, bob]) {
    assert.equal(await refusal(one, "DELETE", `${at}/delete`), "403 forbidden");
  }
});

Deno.test("a public channel is everybody's at once, a private one its readers'", async () => {
  await using app = await startServer();
  const [admin, ada] = [await signUp(app.url), await signUp(app.url)];
  await using client = await connectToChannels(app.url, ada.token);
  const body = { name: "all" };
  assert.equal(await refusal(ada, "POST", "/api/v1/channels/create", body), "403 forbidden");
  const open = await admin.json<Channel>("POST", "/api/v1/channels/create", body);
  await post(admin, open.id, "welcome");
  await until(() => client.of("message").length === 1);
  await post(ada, open.id, "thanks");

  const at = `/api/v1/channels/${open.id}`;
  const read = [{ principal_type: "user", principal_id: ada.id, permission: "read" }];
  await admin.json("POST", `${at}/update`, { access_grants: read });
  const details = await ada.json<{ write_access: boolean }>("GET", at);
  assert.equal(details.write_access, false);
  assert.equal(
    await refusal(ada, "POST", `${at}/messages/post`, { content: "x" }),
    "403 forbidden",
  );
  assert.equal(await refusal(ada, "POST", `${at}/update`, { name: "mine" }), "403 forbidden");

  await admin.json("POST", `${at}/update`, { access_grants: [] });
  assert.equal(await refusal(ada, "GET", at), "404 not_found");
  assert.deepEqual(await ada.json("GET", "/api/v1/channels/"), []);
  const before = client.of("message").length;
  await post(admin, open.id, "among ourselves");
  await admin.json("POST", `${at}/update`, { access_grants: read });
  await post(admin, open.id, "back");
  await until(() => client.of("message").length > before);
  const last = client.of("message").at(-1)?.data.data as ChannelMessage;
  assert.equal(last.content, "back");
  assert.equal(client.of("message").length, before + 1);
});

Deno.test("members are added, listed and removed by who manages the channel", async () => {
  await using app = await startServer();
  await signUp(app.url);
  const [ada, bob, eve] = [await signUp(app.url), await signUp(app.url), await signUp(app.url)];
  const channel = await makeGroup(ada, [bob]);
  const at = `/api/v1/channels/${channel.id}`;
  const add = { user_ids: [eve.id, "nobody"] };
  assert.equal(await refusal(bob, "POST", `${at}/update/members/add`, add), "403 forbidden");
  await ada.json("POST", `${at}/update/members/add`, { ...add, role: "manager" });
  const { users, total } = await bob.json<{ users: { id: string; role: string }[]; total: number }>(
    "GET",
    `${at}/members`,
  );
  assert.equal(total, 3);
  assert.deepEqual(users.map(({ id }) => id).sort(), [ada.id, bob.id, eve.id].sort());
  const removed = await eve.json("POST", `${at}/update/members/remove`, { user_ids: [bob.id] });
  assert.equal(removed, 1);
  assert.equal(await refusal(bob, "GET", at), "404 not_found");
  assert.equal(await eve.json("POST", `${at}/update/members/remove`, { user_ids: [eve.id] }), 1);
  assert.equal(await refusal(eve, "GET", at), "404 not_found");

  assert.equal(await refusal(bob, "DELETE", `${at}/delete`), "404 not_found");
  await ada.json("DELETE", `${at}/delete`);
  assert.equal(await refusal(ada, "GET", at), "404 not_found");
  assert.deepEqual(await ada.json("GET", "/api/v1/channels/"), []);
});

Deno.test("a reaction may have any name, and a message not any number of them", async () => {
  await using app = await startServer();
  const ada = await signUp(app.url);
  const channel = await makeGroup(ada, []);
  const { id } = await post(ada, channel.id, "vote");
  const at = `/api/v1/channels/${channel.id}/messages/${id}`;
  const odd = ["__proto__", "constructor", "toString"];
  for (const name of odd) await ada.json("POST", `${at}/reactions/add`, { name });
  const { reactions } = await ada.json<ChannelMessage>("GET", at);
  assert.deepEqual(reactions.map(({ name, count }) => [name, count]), odd.map((name) => [name, 1]));
  for (let i = 0; i < 61; i++) await ada.json("POST", `${at}/reactions/add`, { name: `${i}` });
  assert.equal(await refusal(ada, "POST", `${at}/reactions/add`, { name: "+1" }), "413 too_large");
  assert.equal(await ada.json("POST", `${at}/reactions/remove`, { name: "__proto__" }), true);
  assert.equal(await ada.json("POST", `${at}/reactions/add`, { name: "+1" }), true);
});

Deno.test("a list shows what is unread, and reading over HTTP tells one's other tabs", async () => {
  await using app = await startServer();
  const [ada, bob] = [await signUp(app.url), await signUp(app.url)];
  const channel = await makeGroup(ada, [bob]);
  await using tab = await connectToChannels(app.url, bob.token);
  await using other = await connectToChannels(app.url, ada.token);
  for (const text of ["one", "two"]) await post(ada, channel.id, text);
  type Listed = Channel & { unread_count: number; last_read_at: number; last_message_at: number };
  const listOf = (person: Person) => person.json<Listed[]>("GET", "/api/v1/channels/list");
  const [listed] = await listOf(bob);
  assert.deepEqual([listed?.id, listed?.unread_count], [channel.id, 2]);
  assert.ok(Math.abs((listed?.last_message_at ?? 0) - Date.now() / 1000) < 60, "unix seconds");
  assert.deepEqual(await listOf(bob), await bob.json("GET", "/api/v1/channels/"));
  const read = `/api/v1/channels/${channel.id}/messages/read`;
  assert.equal(await bob.json("POST", read), true);
  await until(() => tab.of("last_read_at").length === 1, { what: "the other tab" });
  const [after] = await listOf(bob);
  assert.equal(after?.unread_count, 0);
  const told = tab.of("last_read_at")[0]?.data.data as { last_read_at: number };
  assert.equal(told.last_read_at, after?.last_read_at);
  assert.deepEqual(other.of("last_read_at"), [], "nobody else's matter");
  const stranger = await signUp(app.url);
  assert.equal(await refusal(stranger, "POST", read), "404 not_found");
  assert.deepEqual(await listOf(stranger), []);

  const more = await Promise.all(Array.from({ length: 62 }, () => makeGroup(bob, [])));
  const first = await bob.call("GET", "/api/v1/channels/list");
  const page = await first.json() as Listed[];
  const cursor = first.headers.get("x-next-cursor");
  const rest = await bob.json<Listed[]>("GET", `/api/v1/channels/list?cursor=${cursor}`);
  assert.deepEqual([page.length, rest.length], [60, more.length + 1 - 60]);
});
