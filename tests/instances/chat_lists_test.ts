import assert from "node:assert/strict";
import type { Chat, ListedChat } from "../../lib/protocol/chat.ts";
import type { ChatListData } from "../../lib/protocol/chat_events.ts";
import { keys } from "../../lib/state/key_space.ts";
import { at, inModes } from "../support/instances.ts";
import { type Client, connect, type Person, signUp } from "../support/server.ts";
import { until } from "../support/until.ts";
import { ask } from "../e2e/support/chat.ts";

const CHATS = "/api/v1/chats";
const noContext = () => ({
  signal: new AbortController().signal,
  deadAmong: () => Promise.resolve(new Set<string>()),
});

/** The last that a client was told of the chat in its lists. */
function lastTold({ events }: Client, chatId: string): ChatListData | undefined {
  const told = events.filter(({ chat_id, data }) =>
    chat_id === chatId && data.type === "chat:list"
  );
  return told.at(-1)?.data.data as ChatListData | undefined;
}

const idsOf = async (person: Person, path: string) =>
  (await person.json<ListedChat[]>("GET", `${CHATS}/${path}`)).map(({ id }) => id);

async function create(person: Person, title: string, ...said: string[]): Promise<string> {
  const messages = Object.fromEntries(said.map((content, place) => [`m${place}`, {
    ...{ id: `m${place}`, parentId: place > 0 ? `m${place - 1}` : null, childrenIds: [] },
    ...{ role: place % 2 === 0 ? "user" : "assistant", content, done: true },
  }]));
  const history = { currentId: said.length > 0 ? `m${said.length - 1}` : null, messages };
  return (await person.json<Chat>("POST", `${CHATS}/new`, { chat: { title, history } })).id;
}

inModes(
  ["redis", "kv"],
  "lists of chats: search, pins, what is unread and running, a deletion that is taken back",
  async ({ a, b, provider }) => {
    const ada = await signUp(a.url);
    const eve = await signUp(a.url);
    const elsewhere = at(b.url, ada);
    await using client = await connect(b.url, ada.token);
    const search = (text: string, person = elsewhere) =>
      idsOf(person, `search?text=${encodeURIComponent(text)}`);

    // Search: titles and words, whatever the accents and capitals; one's own alone.
    const tides = await create(ada, "Why tides", "Tell me of the MOON", "Crème brûlée it is");
    const other = await create(ada, "Moonlight", "nothing here");
    await create(eve, "Why tides", "the moon");
    assert.deepEqual(await search("tide"), [tides]);
    assert.deepEqual(await search("creme BRULEE moon"), [tides]);
    assert.deepEqual(new Set(await search("moon")), new Set([tides, other]));
    assert.deepEqual(await search("tides nothing"), []);
    assert.deepEqual(await search("ligh"), [other], "in the middle of a word");
    const [found] = await elsewhere.json<ListedChat[]>("GET", `${CHATS}/search?text=brulee`);
    assert.match(found?.snippet ?? "", /Crème brûlée it is/);
    assert.equal(await ada.status("GET", `${CHATS}/search?text=a&cursor=nonsense`), 400);

    // A new name and an edit are found, what was said before them is not.
    await ada.json("POST", `${CHATS}/${other}`, { chat: { title: "Sunrise" } });
    assert.deepEqual(await search("sunrise"), [other]);
    assert.deepEqual(await search("moonlight"), []);
    const { chat: { history } } = await ada.json<Chat>("GET", `${CHATS}/${other}`);
    const m0 = { ...history?.messages?.m0, content: "something else" };
    await ada.json("POST", `${CHATS}/${other}`, {
      chat: { history: { ...history, messages: { m0 } } },
    });
    assert.deepEqual(await search("something else"), [other]);
    assert.deepEqual(await search("nothing"), []);

    // An answer: running everywhere, then unread, then found by its words, then read.
    provider.script = { tokens: ["A ", "pelican ", "answers."], paceMs: 150 };
    await ask(ada, tides);
    await until(async () => {
      const all = await elsewhere.json<ListedChat[]>("GET", `${CHATS}/`);
      return all.find(({ id }) => id === tides)?.active;
    }, { what: "the chat to run" });
    const told = await until(() => {
      const last = lastTold(client, tides);
      return last?.chat?.unread ? last : undefined;
    }, { what: "the chat to be unread" });
    assert.equal(told.reason, "marked");
    await until(async () => {
      // Two that have changed in the same second have no order.
      const all = await elsewhere.json<ListedChat[]>("GET", `${CHATS}/`);
      const listed = all.find(({ id }) => id === tides);
      return listed?.unread && !listed.active;
    }, { what: "the other instance to say so, too" });
    assert.deepEqual(await search("pelican"), [tides]);
    client.socket.emit("events:chat", { chat_id: tides, data: { type: "last_read_at" } });
    await until(() => lastTold(client, tides)?.chat?.unread === false, { what: "it to be read" });
    const read = (await ada.json<ListedChat[]>("GET", `${CHATS}/`)).find(({ id }) => id === tides);
    assert.equal(read?.unread, false);

    // Pins: as Open WebUI toggles them, or as they are said to be.
    assert.equal((await ada.json<ListedChat>("POST", `${CHATS}/${other}/pin`)).pinned, true);
    await ada.json("POST", `${CHATS}/${other}/pin`, { pinned: true });
    assert.deepEqual(await idsOf(elsewhere, "pinned"), [other]);
    assert.equal(await elsewhere.json("GET", `${CHATS}/${other}/pinned`), true);
    await until(() => lastTold(client, other)?.chat?.pinned, { what: "the pin to be told" });
    assert.equal(await eve.status("POST", `${CHATS}/${other}/pin`), 404);
    assert.equal((await ada.json<ListedChat>("POST", `${CHATS}/${other}/pin`)).pinned, false);
    assert.deepEqual(await idsOf(ada, "pinned"), []);
    await ada.json("POST", `${CHATS}/${other}/pin`);

    // Deleted, it is nobody's; taken back, it is as it was.
    await ada.json("DELETE", `${CHATS}/${other}?undo=60`);
    await until(() => lastTold(client, other)?.reason === "deleted", { what: "the deletion" });
    assert.equal(await elsewhere.status("GET", `${CHATS}/${other}`), 404);
    assert.equal(
      await elsewhere.status("POST", `${CHATS}/${other}`, { chat: { title: "x" } }),
      404,
    );
    for (const list of ["", "pinned", "search?text=sunrise"]) {
      assert.ok(!(await idsOf(elsewhere, list)).includes(other), list);
    }
    assert.equal(await eve.status("POST", `${CHATS}/${other}/restore`), 404);
    await elsewhere.json("POST", `${CHATS}/${other}/restore`);
    assert.deepEqual(await idsOf(ada, "pinned"), [other]);
    assert.deepEqual(await search("sunrise"), [other]);
    assert.equal(await ada.status("POST", `${CHATS}/${other}/restore`), 404, "it is not deleted");

    // What nobody takes back in time is gone for good, with all it had.
    const { store, chats } = a.services;
    await chats.trash.put(ada.id, other, -60);
    const held = (await a.services.quotas.held(ada.id)).chats;
    await chats.trash.sweepJob(1_000).sweep(noContext());
    assert.equal(await ada.status("POST", `${CHATS}/${other}/restore`), 404);
    assert.equal((await a.services.quotas.held(ada.id)).chats, held - 1);
    assert.equal(await store.values.get(keys.chat(other)), undefined);
    for await (const page of store.dictionary(keys.chatMessages(other)).scan()) {
      assert.fail(`${page.length} messages are left`);
    }
    assert.equal(await store.dictionary(keys.chatWords(ada.id)).get(other), undefined);

    // Chats from before there was an index are indexed by the search that meets them.
    await store.dictionary(keys.chatWords(ada.id)).clear();
    assert.deepEqual(await search("pelican"), [tides]);
  },
);
