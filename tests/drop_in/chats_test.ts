import assert from "node:assert/strict";
import { until } from "../support/until.ts";
import { endPostgres, onEngines, type Tab, type World } from "./fixture.ts";

Deno.test.afterAll(endPostgres);

const addChat = (on: World, id: string, more: Record<string, unknown> = {}) =>
  on.fixture.insert("chat", {
    ...{ id, user_id: "ada", archived: false, updated_at: 100, meta: {} },
    ...more,
  });
/** Lets everybody with an account go on with the chat. */
async function share(on: World, chatId: string, to = "*", permission = "read") {
  await on.fixture.insert("shared_chat", {
    ...{ id: `s-${chatId}`, chat_id: chatId, chat: { share_mode: "continue" }, updated_at: 1 },
  });
  await on.fixture.insert("access_grant", {
    ...{ id: crypto.randomUUID(), resource_type: "shared_chat", resource_id: chatId },
    ...{ principal_type: "user", principal_id: to, permission, created_at: 1 },
  });
}
const look = (tab: Tab, chatId: string, type = "join") =>
  tab.ask("events:chat", { chat_id: chatId, data: { type } });
interface Shared {
  chat_id: string;
  user_id?: string;
  user?: unknown;
  shared?: true;
  data: { type: string; data: Record<string, unknown> };
}
const typesOf = (tab: Tab, type: string) =>
  tab.of<Shared>("events").filter(({ data }) => data.type === type);
const present = (tab: Tab) =>
  (typesOf(tab, "chat:presence").at(-1)?.data.data["users"] as { id: string }[] | undefined)
    ?.map(({ id }) => id);

onEngines(
  "a stream, titles and all else that Python says of a chat reach the user's tabs once, in order",
  async (on) => {
    for (const id of ["ada", "bob"]) await on.addUser(id);
    const [one, two, bob] = [
      await on.tab(0, "ada"),
      await on.tab(1, "ada"),
      await on.tab(1, "bob"),
    ];
    const types = [
      "chat:active",
      ...Array.from({ length: 40 }, () => "response:completion"),
      ...["chat:completion", "chat:title", "chat:tags", "chat:message:follow_ups", "an:unknown"],
    ];
    for (const [n, type] of types.entries()) {
      await on.emit("user:ada", "events", {
        chat_id: "c",
        message_id: "m",
        data: { type, data: n },
      });
    }
    for (const tab of [one, two]) {
      await until(() => tab.of("events").length === types.length, { what: "all events" });
      assert.deepEqual(
        tab.of<Shared>("events").map(({ data }) => [data.type, data.data]),
        types.map((type, n) => [type, n]),
      );
    }
    assert.deepEqual(bob.of("events"), []);
  },
);

onEngines("calls of any process of Python are answered by any instance's tab", async (on) => {
  await on.addUser("ada");
  const tab = await on.tab(1, "ada");
  tab.socket.on("events", (event, answer) => answer?.(`${event.data.type} done`));
  for (const [id, type] of ["execute", "input", "confirmation", "request:user_input"].entries()) {
    await on.emit(tab.socket.id ?? "", "events", { chat_id: "c", data: { type } }, {
      callback: [tab.socket.id, "/", id + 1],
    });
  }
  const answers = () =>
    on.said.map(({ text }) => JSON.parse(text)).filter(({ method }) => method === "callback");
  await until(() => answers().length === 4, { what: "the answers" });
  assert.deepEqual(answers().map(({ id, args }) => [id, args[0]]), [
    ...[[1, "execute done"], [2, "input done"], [3, "confirmation done"]],
    [4, "request:user_input done"],
  ]);
});

onEngines(
  "a model that runs in the browser is relayed line by line to Python, only under its user's name",
  async (on) => {
    for (const id of ["ada", "bob"]) await on.addUser(id);
    const [ada, bob] = [await on.tab(0, "ada"), await on.tab(1, "bob")];
    const channel = `ada:${ada.socket.id}:r1`;
    for (let n = 0; n < 20; n++) ada.socket.emit(channel, `data: ${n}`);
    ada.socket.emit(channel, { done: true });
    assert.deepEqual(await bob.ask(channel, "data: forged"), []);
    const relayed = () =>
      on.said.filter((one) => one.channel === "open-webui:direct_completion")
        .map(({ text }) => JSON.parse(text));
    await until(() => relayed().length === 21, { what: "the lines" });
    assert.deepEqual(relayed().map(({ data }) => data), [
      ...Array.from({ length: 20 }, (_, n) => `data: ${n}`),
      { done: true },
    ]);
    assert.ok(relayed().every((line) => line.channel === channel));
  },
);

onEngines(
  "who looks at a chat sees who else does, on any instance; a chat of others stays closed",
  async (on) => {
    for (const id of ["ada", "bob", "eve"]) await on.addUser(id);
    await addChat(on, "c");
    await addChat(on, "own");
    await share(on, "c", "bob");
    const [ada, bob, eve] = [
      await on.tab(0, "ada"),
      await on.tab(1, "bob"),
      await on.tab(1, "eve"),
    ];
    assert.deepEqual(await look(ada, "c"), [true]);
    assert.deepEqual(await look(bob, "c"), [true]);
    assert.deepEqual(await look(eve, "c"), [false]);
    for (const chatId of ["none", "temporary:x", "local:", "channel:x"]) {
      assert.deepEqual((await look(eve, chatId))[0] ?? false, false, chatId);
    }
    await until(() => present(ada)?.join() === "ada,bob" && present(bob)?.join() === "ada,bob", {
      what: "both to see both",
    });
    const seen = typesOf(ada, "chat:presence").at(-1) as unknown as {
      data: { data: { users: unknown[] } };
    };
    const named = (id: string) => ({ id, name: id });
    assert.deepEqual(seen.data.data.users, ["ada", "bob"].map(named), "no more than Python says");
    const entry = (await on.pool()).get(bob.socket.id ?? "");
    assert.deepEqual(entry?.["chat_ids"], ["c"]);
    const typing = { chat_id: "c", data: { type: "typing", data: { typing: true } } };
    assert.deepEqual(await bob.ask("events:chat", typing), [true]);
    assert.deepEqual(await eve.ask("events:chat", typing), [false]);
    await until(() => typesOf(ada, "typing").length === 1, { what: "the typing" });
    const [{ message_id: _, ...told } = {} as Shared & { message_id: string }] = typesOf(
      ada,
      "typing",
    ) as (Shared & { message_id: string })[];
    assert.deepEqual(told, {
      chat_id: "c",
      ...{ user_id: "bob", user: { id: "bob", name: "bob" }, shared: true },
      data: { type: "typing", data: { typing: true } },
    });
    assert.equal(typesOf(bob, "typing").length, 0);
    bob.socket.disconnect();
    await until(() => present(ada)?.join() === "ada", { what: "bob to be gone" });
    assert.deepEqual(await look(ada, "c", "leave"), [true]);
    await until(
      async () =>
        ((await on.pool()).get(ada.socket.id ?? "")?.["chat_ids"] as string[])?.length === 0,
      {
        what: "the chat to be left",
      },
    );
  },
  { engines: ["sqlite", "postgres"] },
);

onEngines("a copy of a stream for others is taken only where somebody else looks", async (on) => {
  for (const id of ["ada", "bob"]) await on.addUser(id);
  await addChat(on, "c");
  await share(on, "c", "bob");
  const subscribers = async () =>
    Number((await on.python.pubsub("NUMSUB", "socketio#/#chat:c") as [string, number])[1]);
  const [ada, bob] = [await on.tab(0, "ada"), await on.tab(1, "bob")];
  assert.deepEqual(await look(ada, "c"), [true]);
  assert.equal(await subscribers(), 0);
  assert.deepEqual(await look(bob, "c"), [true]);
  assert.equal(await subscribers(), 1, "the guest's instance alone");
  await on.emit("chat:c", "events", {
    chat_id: "c",
    shared: true,
    user_id: "ada",
    data: { type: "chat:completion" },
  });
  await until(() => typesOf(bob, "chat:completion").length === 1, { what: "the copy" });
  assert.equal(typesOf(ada, "chat:completion").length, 0);
  await look(bob, "c", "leave");
  await until(async () => await subscribers() === 0, { what: "the copy to be left" });
});

onEngines(
  "access to a chat that ends is found by the next look, and by Python's order at once",
  async (on) => {
    for (const id of ["ada", "bob", "eve"]) await on.addUser(id);
    await addChat(on, "c");
    await share(on, "c");
    const [ada, bob, eve] = [
      await on.tab(0, "ada"),
      await on.tab(0, "bob"),
      await on.tab(1, "eve"),
    ];
    for (const tab of [ada, bob, eve]) assert.deepEqual(await look(tab, "c"), [true]);
    await until(() => present(ada)?.length === 3, { what: "all to be there" });
    await on.control("leave_room", { sid: bob.socket.id, room: "chat:c" });
    await until(() => present(ada)?.join() === "ada,eve", { what: "bob to be out" });
    await until(
      async () =>
        ((await on.pool()).get(bob.socket.id ?? "")?.["chat_ids"] as string[]).length === 0,
      {
        what: "bob's entry",
      },
    );
    await on.fixture.database.query("DELETE FROM access_grant");
    await on.apps[1]?.sockets.rooms.chats.recheckAll();
    await until(() => present(ada)?.join() === "ada", { what: "eve to be out" });
  },
);

onEngines(
  "reading a chat is stored, tells the owner's tabs with the folders' counts, and ends timers",
  async (on) => {
    await on.addUser("ada");
    await on.addUser("bob");
    await on.fixture.insert("folder", { id: "f", user_id: "ada" });
    await addChat(on, "c", { folder_id: "f" });
    await addChat(on, "d", { folder_id: "f" });
    const meta = { parent_chat_id: "c", status: "pending", cancel_on: ["chat.read"] };
    await addChat(on, "t", { timer_at: 5, meta });
    const [one, two, bob] = [
      await on.tab(0, "ada"),
      await on.tab(1, "ada"),
      await on.tab(0, "bob"),
    ];
    await one.ask("events:chat", { chat_id: "c", data: { type: "last_read_at" } });
    await bob.ask("events:chat", { chat_id: "d", data: { type: "last_read_at" } });
    await until(() => typesOf(two, "chat:list").length === 1, { what: "the news" });
    const [told] = typesOf(two, "chat:list");
    assert.deepEqual(told?.data.data["folder_unread_counts"], { f: 1 });
    const rows = await on.fixture.database.query(
      "SELECT id, last_read_at, timer_at FROM chat ORDER BY id",
    );
    assert.deepEqual(rows.map(({ id, last_read_at }) => [id, last_read_at === null]), [
      ...[["c", false], ["d", true]],
      ["t", true],
    ]);
    assert.equal(rows[2]?.["timer_at"], null);
    assert.deepEqual(bob.of("events"), []);
  },
  { engines: ["sqlite", "postgres"] },
);

onEngines(
  "after a gap of Redis everything is heard again, and who looks at a chat is told to read it",
  async (on) => {
    await on.addUser("ada");
    await addChat(on, "c");
    const tab = await on.tab(0, "ada");
    await look(tab, "c");
    for (let n = 1; n <= 3; n++) {
      await on.redis.cutPubSub();
      await until(() => typesOf(tab, "chat:reload").length >= n, {
        what: "the word to reload",
        limitMs: 60_000,
      });
    }
    assert.equal(typesOf(tab, "chat:reload")[0]?.chat_id, "c");
    const before = tab.of("events").length;
    await on.emit("user:ada", "events", { chat_id: "c", data: { type: "chat:title" } });
    await until(() => tab.of("events").length > before, { what: "the next event" });
  },
);
