/** What every engine under Open WebUI's database must do: one suite for SQLite and Postgres. */
import assert from "node:assert/strict";
import { Accounts } from "../../lib/openwebui/accounts.ts";
import { Channels } from "../../lib/openwebui/channels.ts";
import { Chats } from "../../lib/openwebui/chats.ts";
import { Notes } from "../../lib/openwebui/notes.ts";
import { type Feature, Permissions } from "../../lib/openwebui/permissions.ts";
import { readSchema } from "../../lib/openwebui/schema.ts";
import { Settings } from "../../lib/openwebui/settings.ts";
import type { Fixture, Version } from "./fixture.ts";

const user = (id: string, more = {}) => ({
  id,
  name: id,
  email: `${id}@x.org`,
  role: "user",
  ...more,
});
const auth = (id: string, more = {}) => ({
  id,
  active: true,
  session_stamp: null,
  mfa: null,
  ...more,
});
const grant = (type: string, resource: string, to: string, permission = "read") => {
  const [principal_type, principal_id] = to.split(":");
  return {
    id: crypto.randomUUID(),
    resource_type: type,
    resource_id: resource,
    ...{ principal_type, principal_id, permission, created_at: 1 },
  };
};

async function read(fixture: Fixture) {
  const { database } = fixture;
  const schema = await readSchema(database);
  const settings = new Settings(database, { isPersistent: true });
  const permissions = (defaults: Record<Feature, boolean>) =>
    new Permissions({ database, schema, settings, defaults });
  return {
    schema,
    accounts: new Accounts(database, schema),
    channels: new Channels(database, schema),
    notes: new Notes(database, schema),
    chats: new Chats(database, schema, { isOpenToAdmins: false }),
    permissions,
  };
}

export function databaseContract(
  engine: string,
  open: (version?: Version) => Promise<Fixture>,
  options: { ignore?: boolean } = {},
): void {
  const test = (name: string, work: (fixture: Fixture) => Promise<void>) =>
    Deno.test({
      name: `${engine}: ${name}`,
      ...options,
      async fn() {
        await using fixture = await open();
        await work(fixture);
      },
    });

  test("the schema is recognised, and what is missing is named", async (fixture) => {
    const schema = await readSchema(fixture.database);
    assert.deepEqual(schema, {
      head: "0bd252b206fb",
      version: "0.12.4",
      hasSessionStamps: true,
      hasNestedGroups: true,
      hasTimers: true,
    });
    await fixture.database.query("ALTER TABLE note RENAME COLUMN data TO content");
    await fixture.database.query('DROP TABLE "folder"');
    await assert.rejects(readSchema(fixture.database), {
      code: "unavailable",
      message: /Missing: note\.data, the table folder$/,
    });
  });

  Deno.test({
    name: `${engine}: an older version has no stamps and no groups in groups, and works`,
    ...options,
    async fn() {
      await using fixture = await open("0.11.3");
      const { schema, accounts, channels } = await read(fixture);
      assert.equal(schema.hasSessionStamps, false);
      assert.equal(schema.hasNestedGroups, false);
      await fixture.insert("user", user("ada"));
      await fixture.insert("auth", { id: "ada", active: true });
      assert.equal((await accounts.find(["ada"])).get("ada")?.session_stamp, null);
      await fixture.insert("group", { id: "g" });
      await fixture.insert("group_member", { id: "1", group_id: "g", user_id: "ada" });
      await fixture.insert("channel", { id: "c", user_id: "x" });
      await fixture.insert("access_grant", grant("channel", "c", "group:g"));
      assert.deepEqual((await channels.ofUsers(["ada"])).get("ada"), new Set(["c"]));
    },
  });

  test("accounts: only who is in both tables; all in one query; activity", async (fixture) => {
    const { accounts } = await read(fixture);
    await fixture.insert("user", user("ada", { role: "admin" }), user("bob"), user("no-auth"));
    await fixture.insert(
      "auth",
      auth("ada", { session_stamp: "s1", mfa: { secret: "x" } }),
      auth("bob", { active: false }),
    );
    const found = await accounts.find(["ada", "bob", "no-auth", "nobody"]);
    assert.deepEqual([...found.keys()].sort(), ["ada", "bob"]);
    assert.deepEqual(found.get("ada"), {
      ...{ id: "ada", name: "ada", email: "ada@x.org", role: "admin" },
      ...{ active: true, session_stamp: "s1", mfa: { secret: "x" } },
    });
    assert.equal(found.get("bob")?.active, false);
    await accounts.touch(["ada", "bob"], 1_700_000_000);
    const rows = await fixture.database.query(
      'SELECT id FROM "user" WHERE last_active_at = 1700000000 ORDER BY id',
    );
    assert.deepEqual(rows.map(({ id }) => id), ["ada", "bob"]);
  });

  test("permissions: default, settings, group, group above a group", async (fixture) => {
    const { permissions } = await read(fixture);
    const closed = { channels: false, notes: false };
    assert.deepEqual(await permissions(closed).allowed(["ada"], "notes"), new Set());
    const open = { channels: true, notes: true };
    assert.deepEqual(await permissions(open).allowed(["ada"], "notes"), new Set(["ada"]));

    await fixture.insert(
      "group",
      { id: "top", permissions: { features: { notes: true } } },
      { id: "low", permissions: null, parent_group_id: "top" },
    );
    await fixture.insert("group_member", { id: "1", group_id: "low", user_id: "ada" });
    assert.deepEqual(await permissions(closed).allowed(["ada", "bob"], "notes"), new Set(["ada"]));
    assert.deepEqual(await permissions(closed).allowed(["ada", "bob"], "channels"), new Set());

    await fixture.insert("config", {
      key: "user.permissions",
      value: { features: { notes: false } },
    });
    const { permissions: anew } = await read(fixture);
    assert.deepEqual(await anew(open).allowed(["bob"], "notes"), new Set());
    assert.deepEqual(await anew(open).allowed(["bob"], "channels"), new Set(["bob"]));
  });

  test("channels: members, owners, grants to one, to all, to groups", async (fixture) => {
    const { channels } = await read(fixture);
    await fixture.insert(
      "channel",
      { id: "dm", type: "dm" },
      { id: "left", type: "group" },
      { id: "own", user_id: "ada" },
      { id: "for-bob", type: "", user_id: "x" },
      { id: "for-all", user_id: "x" },
      { id: "for-team", user_id: "x" },
      { id: "gone", user_id: "ada", deleted_at: 1_700_000_000_000_000_000n },
      { id: "archived", user_id: "ada", archived_at: 1_700_000_000_000_000_000n },
      // A grant counts nothing where members are named.
      { id: "foreign-dm", type: "dm" },
    );
    await fixture.insert(
      "channel_member",
      { id: "1", channel_id: "dm", user_id: "ada", is_active: true },
      { id: "2", channel_id: "left", user_id: "ada", is_active: false },
    );
    await fixture.insert("group", { id: "team" }, { id: "squad", parent_group_id: "team" });
    await fixture.insert("group_member", { id: "1", group_id: "squad", user_id: "bob" });
    await fixture.insert(
      "access_grant",
      grant("channel", "for-bob", "user:bob"),
      grant("channel", "for-all", "user:*"),
      grant("channel", "for-team", "group:team"),
      grant("channel", "own", "user:bob", "write"),
      grant("channel", "foreign-dm", "user:*"),
      grant("note", "own", "user:bob"),
    );
    const found = await channels.ofUsers(["ada", "bob", "eve"]);
    assert.deepEqual(found.get("ada"), new Set(["dm", "own", "for-all"]));
    assert.deepEqual(found.get("bob"), new Set(["for-bob", "for-all", "for-team"]));
    assert.deepEqual(found.get("eve"), new Set(["for-all"]));
    const all = ["dm", "left", "own", "for-bob", "for-all", "for-team", "gone", "foreign-dm", "no"];
    for (const [userId, expected] of found) {
      for (const channelId of all) {
        const may = await channels.mayRead(userId, channelId);
        assert.equal(may, expected.has(channelId), `${userId} in ${channelId}`);
      }
    }
    await channels.markRead("ada", "dm", 1_764_000_000_123_456_789n);
    const rows = await fixture.database.query(
      "SELECT channel_id FROM channel_member WHERE last_read_at = 1764000000123456789",
    );
    assert.deepEqual(rows.map(({ channel_id }) => channel_id), ["dm"]);
  });

  test("notes: who may read and write, what is saved and what is kept", async (fixture) => {
    const { notes } = await read(fixture);
    const data = { content: { md: "old" }, files: [{ id: "f" }], big: 12345678901 };
    await fixture.insert("note", { id: "n", user_id: "ada", data }, { id: "bare", user_id: "ada" });
    await fixture.insert(
      "access_grant",
      grant("note", "n", "user:bob"),
      grant("note", "n", "user:eve", "write"),
    );
    const access = await notes.access([
      ["ada", "n"],
      ["bob", "n"],
      ["eve", "n"],
      ["eve", "bare"],
      ["ada", "none"],
    ]);
    assert.deepEqual(access.get("ada/n"), { read: true, write: true });
    assert.deepEqual(access.get("bob/n"), { read: true, write: false });
    assert.deepEqual(access.get("eve/n"), { read: false, write: true });
    assert.deepEqual(access.get("eve/bare"), { read: false, write: false });
    assert.equal(access.has("ada/none"), false);

    assert.deepEqual(await notes.content("n"), { md: "old" });
    assert.equal(await notes.content("bare"), null);
    assert.equal(await notes.content("none"), undefined);
    const content = { md: 'it\'s $1 "new" \u0000 \u{1f600}', html: "<p>", json: { type: "doc" } };
    assert.equal(await notes.save("n", content, 1_764_000_000_123_456_789n), true);
    assert.deepEqual(await notes.content("n"), { ...content, md: content.md.replace("\0", "") });
    const kept = await fixture.database.query(
      "SELECT data->>'big' AS big FROM note WHERE updated_at = 1764000000123456789",
    );
    assert.equal(String(kept[0]?.["big"]), "12345678901");
    assert.equal(await notes.save("bare", content, 1n), true);
    assert.equal(await notes.save("none", content, 1n), false);
  });

  test("chats: owner, admin, shared to go on, by a folder above", async (fixture) => {
    const { chats } = await read(fixture);
    await fixture.insert(
      "folder",
      { id: "root", user_id: "ada" },
      { id: "sub", user_id: "ada", parent_id: "root", data: { share_mode: "continue" } },
      { id: "ring1", user_id: "ada", parent_id: "ring2" },
      { id: "ring2", user_id: "ada", parent_id: "ring1" },
    );
    const chat = (id: string, more = {}) => ({ id, user_id: "ada", archived: false, ...more });
    await fixture.insert(
      "chat",
      chat("own"),
      chat("internal", { meta: { internal: true } }),
      chat("shared"),
      chat("in-root", { folder_id: "root" }),
      chat("in-sub", { folder_id: "sub" }),
      chat("in-ring", { folder_id: "ring1" }),
    );
    await fixture.insert(
      "shared_chat",
      { id: "1", chat_id: "shared", chat: { share_mode: "copy" }, updated_at: 1 },
      { id: "2", chat_id: "shared", chat: { share_mode: "continue" }, updated_at: 2 },
      { id: "3", chat_id: "own", chat: {}, updated_at: 2 },
    );
    await fixture.insert(
      "access_grant",
      grant("shared_chat", "shared", "user:bob"),
      grant("shared_chat", "own", "user:bob"),
      grant("folder", "root", "user:bob"),
    );
    const of = async (id: string, role = "user") => {
      const ids = ["own", "internal", "shared", "in-root", "in-sub", "in-ring", "none"];
      const access = await chats.access(ids.map((chatId) => [{ id, role }, chatId]));
      return Object.fromEntries(ids.map((chatId) => {
        const may = access.get(`${id}/${chatId}`);
        return [chatId, may ? `${may.read ? "r" : "-"}${may.write ? "w" : "-"}` : "gone"];
      }));
    };
    const own = { own: "rw", internal: "rw", shared: "rw", "in-root": "rw", "in-sub": "rw" };
    assert.deepEqual(await of("ada"), { ...own, "in-ring": "rw", none: "gone" });
    assert.deepEqual(await of("bob"), {
      ...{ own: "--", internal: "--", shared: "rw", "in-root": "r-", "in-sub": "rw" },
      ...{ "in-ring": "--", none: "gone" },
    });
    assert.deepEqual(await of("boss", "admin"), {
      ...{ own: "--", internal: "r-", shared: "--", "in-root": "--", "in-sub": "--" },
      ...{ "in-ring": "--", none: "gone" },
    });
    const { database } = fixture;
    const open = new Chats(database, await readSchema(database), { isOpenToAdmins: true });
    const may = await open.access([[{ id: "boss", role: "admin" }, "own"]]);
    assert.deepEqual(may.get("boss/own"), { isOwner: false, read: true, write: false });
  });

  test("chats: read marks, unread counts up the folders, timers that reading ends", async (fixture) => {
    const { chats } = await read(fixture);
    await fixture.insert(
      "folder",
      { id: "root", user_id: "ada" },
      { id: "sub", user_id: "ada", parent_id: "root" },
    );
    const chat = (id: string, more = {}) => ({
      ...{ id, user_id: "ada", archived: false, updated_at: 100, folder_id: "sub" },
      ...more,
    });
    await fixture.insert(
      "chat",
      chat("new"),
      chat("read", { last_read_at: 100 }),
      chat("running"),
      chat("archived", { archived: true }),
      chat("top", { folder_id: "root", last_read_at: 99 }),
      chat("timer", {
        folder_id: null,
        timer_at: 500,
        meta: { parent_chat_id: "new", status: "pending", cancel_on: ["chat.read"], keep: 1 },
      }),
      chat("other-timer", {
        folder_id: null,
        timer_at: 500,
        meta: { parent_chat_id: "new", status: "pending", cancel_on: ["chat.user_message"] },
      }),
    );
    await fixture.insert("chat_message", {
      ...{ id: "m", chat_id: "running", role: "assistant", done: false },
    });
    assert.deepEqual(await chats.folderUnread("ada"), { root: 2, sub: 1 });
    assert.deepEqual(await chats.markRead("ada", "new", 200), { lastReadAt: 200, wasUnread: true });
    assert.deepEqual(await chats.markRead("ada", "new", 201), {
      lastReadAt: 201,
      wasUnread: false,
    });
    assert.equal(await chats.markRead("bob", "new", 200), undefined);
    assert.deepEqual(await chats.folderUnread("ada"), { root: 1, sub: 0 });

    await chats.cancelTimers("ada", "new", 1_764_000_000_000);
    const rows = await fixture.database.query(
      `SELECT id, meta->>'status' AS status, meta->>'keep' AS keep FROM chat
       WHERE id LIKE '%timer' ORDER BY id`,
    );
    assert.deepEqual(rows.map(({ id, status, keep }) => [id, status, keep && String(keep)]), [
      ["other-timer", "pending", null],
      ["timer", "cancelled", "1"],
    ]);
  });
}
