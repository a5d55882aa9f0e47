import assert from "node:assert/strict";
import { hashSync } from "bcryptjs";
import { silentLogger as logger } from "../../lib/common/logger.ts";
import { PasswordHasher } from "../../lib/users/password_hasher.ts";
import { importOpenWebui } from "../../lib/transfer/open_webui.ts";
import { importLines } from "../../lib/transfer/transfer.ts";
import type { Chat } from "../../lib/protocol/chat.ts";
import { keys } from "../../lib/state/key_space.ts";
import { runTask } from "../commands/support.ts";
import { type Fixture, postgresFixture, sqliteFixture } from "../openwebui/fixture.ts";
import { postgresAvailable, PostgresServer } from "../support/postgres_server.ts";
import { type Person, personAt, startServer } from "../support/server.ts";
import { tempFolder } from "../support/temp_folder.ts";
import { linesIn, openMemory, sorted } from "./fixture.ts";

const SECONDS = 1_760_000_000;
/** Beyond what a number holds exactly, as Open WebUI writes them. */
const NANOSECONDS = 1_760_000_000_123_456_789n;
const PASSWORD = "correct horse battery";

const MESSAGES = [
  `CREATE TABLE message (id TEXT NOT NULL, user_id TEXT, channel_id TEXT, content TEXT, data JSON,
     meta JSON, reply_to_id TEXT, parent_id TEXT, is_pinned BOOLEAN, pinned_at BIGINT, pinned_by TEXT,
     created_at BIGINT, updated_at BIGINT)`,
  `CREATE TABLE message_reaction (id TEXT NOT NULL, user_id TEXT, message_id TEXT, name TEXT,
     created_at BIGINT)`,
];

/** Two people, and something of everything. */
async function fill({ database, insert }: Fixture): Promise<void> {
  for (const statement of MESSAGES) await database.query(statement);
  const times = { created_at: SECONDS, updated_at: SECONDS, last_active_at: SECONDS };
  const people = [["ada", "admin", true], ["bob", "user", true], ["eve", "user", false]] as const;
  for (const [id, role, active] of people) {
    const email = `${id.toUpperCase()}@example.com`;
    await insert("user", { id, name: id, email, role, profile_image_url: "/user.png", ...times });
    await insert("auth", { id, email, active });
    // As a parameter: the hash has dollar signs, which stand for others in a statement.
    const password = [hashSync(PASSWORD, 4), id];
    await database.query("UPDATE auth SET password = $1 WHERE id = $2", password);
  }
  await insert("group", {
    ...{ id: "g", user_id: "ada", name: "Team", description: "us", permissions: {} },
    ...{ created_at: SECONDS, updated_at: SECONDS },
  });
  await insert("group_member", { id: "gm", group_id: "g", user_id: "bob", created_at: SECONDS });
  const question = { id: "q", parentId: null, childrenIds: ["a"], role: "user", content: "why?" };
  await insert("chat", {
    ...{ id: "c", user_id: "bob", title: "Questions", created_at: SECONDS, updated_at: SECONDS },
    chat: { models: ["m"], history: { currentId: "a", messages: { q: question } }, messages: [] },
  });
  // What is not in the chat's own JSON stands beside it.
  await insert("chat_message", {
    ...{ id: "c-a", chat_id: "c", user_id: "bob", role: "assistant", parent_id: "c-q" },
    ...{ content: JSON.stringify("because"), model_id: "m", done: true, created_at: SECONDS },
  });
  const nanoseconds = { created_at: NANOSECONDS, updated_at: NANOSECONDS };
  await insert("note", {
    ...{ id: "n", user_id: "ada", title: "Plan", ...nanoseconds },
    data: { content: { md: "# Plan", html: "<h1>Plan</h1>", json: null } },
  });
  const grant = { principal_type: "group", principal_id: "g", permission: "read" };
  await insert("access_grant", { id: "1", resource_type: "note", resource_id: "n", ...grant });
  const everyone = { principal_type: "user", principal_id: "*", permission: "write" };
  await insert("access_grant", {
    id: "2",
    resource_type: "channel",
    resource_id: "ch",
    ...everyone,
  });
  await insert(
    "channel",
    { id: "ch", user_id: "ada", name: "general", type: null, ...nanoseconds },
    { id: "dm", user_id: "ada", name: "", type: "dm", ...nanoseconds },
    { id: "old", user_id: "ada", name: "gone", deleted_at: NANOSECONDS, ...nanoseconds },
  );
  for (const user_id of ["ada", "bob"]) {
    await insert("channel_member", {
      ...{ id: user_id, channel_id: "dm", user_id, is_active: true, joined_at: NANOSECONDS },
      ...{ last_read_at: NANOSECONDS, role: null },
    });
  }
  await insert(
    "message",
    { id: "m1", channel_id: "ch", user_id: "ada", content: "first", ...nanoseconds },
    {
      ...{ id: "m2", channel_id: "ch", user_id: "bob", content: "reply", parent_id: "m1" },
      ...nanoseconds,
    },
    { id: "m3", channel_id: "dm", user_id: "bob", content: "psst", ...nanoseconds },
  );
  await database.query(
    `UPDATE message SET is_pinned = TRUE, pinned_at = ${NANOSECONDS}, pinned_by = 'ada'
     WHERE id = 'm1'`,
  );
  await insert("message_reaction", {
    ...{ id: "r", message_id: "m1", user_id: "bob", name: "+1", created_at: NANOSECONDS },
  });
}

async function signIn(url: string, email: string): Promise<Person> {
  const response = await fetch(`${url}/api/v1/auths/signin`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ email, password: PASSWORD }),
  });
  const answer = await response.json();
  assert.equal(response.status, 200, JSON.stringify(answer));
  return personAt(url, answer);
}

async function importAndLook(fixture: Fixture): Promise<void> {
  await fill(fixture);
  await using app = await startServer();
  const { store } = app.services;
  const told: string[] = [];
  const once = () =>
    importLines(store, importOpenWebui(fixture.database, (line) => told.push(line)), { logger });
  const { added } = await once();
  assert.deepEqual(await once(), { added: 0, present: added });
  assert.deepEqual(told, []);

  // With the old password, which is hashed anew.
  const bob = await signIn(app.url, "bob@example.com");
  assert.match((await store.values.get(keys.user("bob")))?.password_hash ?? "", /^\$scrypt\$/);
  await signIn(app.url, "Bob@Example.com");
  const ada = await signIn(app.url, "ada@example.com");
  assert.deepEqual([ada.role, bob.role], ["admin", "user"]);
  assert.equal((await store.values.get(keys.user("eve")))?.role, "pending");

  const chat = await bob.json<Chat>("GET", "/api/v1/chats/c");
  const messages = chat.chat.history?.messages ?? {};
  assert.deepEqual(Object.keys(messages).sort(), ["a", "q"]);
  assert.deepEqual([messages.a?.parentId, messages.a?.content, messages.q?.childrenIds], [
    ...["q", "because"],
    ["a"],
  ]);
  assert.equal(chat.chat.history?.currentId, "a");
  const note = await bob.json<{ data: unknown; updated_at: number }>("GET", "/api/v1/notes/n");
  assert.equal(note.updated_at, SECONDS);
  const channels = await bob.json<{ id: string; name: string; type: string | null }[]>(
    "GET",
    "/api/v1/channels/",
  );
  assert.deepEqual(channels.map(({ type }) => type).sort(), ["dm", null]);
  const path = "/api/v1/channels/ch/messages";
  const [first] = await bob.json<{ content: string; reactions: { name: string }[] }[]>("GET", path);
  assert.deepEqual([first?.content, first?.reactions.map(({ name }) => name)], ["first", ["+1"]]);
  const thread = await bob.json<{ content: string }[]>("GET", `${path}/m1/thread`);
  assert.deepEqual(thread.map(({ content }) => content), ["reply", "first"]);
  const pinned = await bob.json<{ id: string }[]>("GET", `${path}/pinned`);
  assert.deepEqual(pinned.map(({ id }) => id), ["m1"]);
  // Whoever opens a direct channel with the same people finds this one.
  const again = await ada.json<{ id: string }>("POST", "/api/v1/channels/create", {
    ...{ name: "", type: "dm", user_ids: ["bob"] },
  });
  assert.equal(again.id, channels.find(({ type }) => type === "dm")?.id);
  const said = await ada.json<{ content: string }[]>(
    "GET",
    `/api/v1/channels/${again.id}/messages`,
  );
  assert.deepEqual(said.map(({ content }) => content), ["psst"]);
}

for (const version of ["0.11.3", "0.12.4"] as const) {
  Deno.test(`O15: what Open WebUI ${version} has in SQLite is all there after the import`, async () => {
    await using fixture = await sqliteFixture(version);
    await importAndLook(fixture);
  });
}

Deno.test({
  name: "O15: what Open WebUI has in Postgres is all there after the import",
  ignore: !postgresAvailable(),
  async fn() {
    await using server = await PostgresServer.start();
    await using fixture = await postgresFixture(server);
    await importAndLook(fixture);
  },
});

Deno.test("O15: the command imports Open WebUI's file, and says what can't be read", async () => {
  await using folder = await tempFolder();
  await using fixture = await sqliteFixture();
  await fill(fixture);
  const env = { DENO_KV_PATH: `${folder.path}/store.kv` };
  const path = fixture.url.replace("sqlite:///", "");
  const { code, said } = await runTask("import", ["--open-webui", path], env);
  assert.equal(code, 0, said);
  assert.match(said, /\d+ new, 0 that were here already/);
  const exported = await runTask("export", ["-"], env);
  assert.equal(exported.code, 0, exported.said);
  const wrong = await runTask("import", ["--open-webui", `${folder.path}/none.db`], env);
  assert.equal(wrong.code, 1);
  assert.match(wrong.said, /Open WebUI's database can't be opened: .*none\.db/);
  // What the command wrote is what the library writes.
  await using store = await openMemory();
  await importLines(store, importOpenWebui(fixture.database, () => {}), { logger });
  assert.deepEqual(exported.out.trim().split("\n").sort(), sorted(await linesIn(store)));
});

Deno.test("hashes of bcrypt are understood, and outdated", async () => {
  const passwords = new PasswordHasher();
  const hash = hashSync(PASSWORD, 4);
  assert.equal(await passwords.verify(PASSWORD, hash), true);
  assert.equal(await passwords.verify(`${PASSWORD}!`, hash), false);
  assert.equal(passwords.isOutdated(hash), true);
});
