import assert from "node:assert/strict";
import fc from "fast-check";
import { ChatAnswers } from "../../lib/chats/answers.ts";
import { ChatStore } from "../../lib/chats/chat_store.ts";
import { silentLogger } from "../../lib/common/logger.ts";
import type { ChatMessage } from "../../lib/protocol/chat.ts";
import { openKvStore } from "../../lib/state/kv_store.ts";

type Messages = Record<string, ChatMessage>;

/** A device that keeps the history as Open WebUI's client does, and posts all of it. */
interface Device {
  currentId: string | null;
  messages: Messages;
  seen?: string;
}

const KINDS = ["read", "ask", "answer", "end", "edit", "delete", "rate"] as const;
const step = fc.record({
  device: fc.nat(1),
  kind: fc.constantFrom(...KINDS),
  pick: fc.nat(1_000),
});
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

const user = "ada";

/** One chat, two devices, and what must be there whatever they do. */
class World {
  readonly #devices: Device[] = [];
  /** What each message says that nobody may lose. */
  readonly #truth = new Map<string, string>();
  /** Messages that somebody who had them left out. */
  readonly #leftOut = new Set<string>();
  readonly #gone = new Set<string>();
  #open: { messageId: string; generation: string } | undefined;
  #count = 0;

  constructor(readonly chats: ChatStore, readonly chatId: string, readonly knows: boolean) {}

  async begin(): Promise<void> {
    for (let at = 0; at < 2; at++) this.#devices.push(await this.#history());
  }

  async take({ device: at, kind, pick }: Step): Promise<void> {
    const device = this.#devices[at];
    assert.ok(device);
    const ids = Object.keys(device.messages);
    const id = ids[pick % Math.max(1, ids.length)];
    if (kind === "read") this.#devices[at] = await this.#history();
    else if (kind === "ask") await this.#ask(device, id ?? null);
    else if (kind === "answer") await this.#answer();
    else if (kind === "end") await this.#end();
    else if (id !== undefined && kind === "edit") await this.#edit(device, id);
    else if (id !== undefined && kind === "delete") await this.#delete(device, id);
    else await this.#post(device);
  }

  async check(): Promise<void> {
    const { currentId, messages } = await this.#history();
    for (const [id, content] of this.#truth) {
      const message = messages[id];
      if (message) assert.equal(message.content, content, `${id} says something else`);
      else assert.ok(this.#leftOut.has(id), `${id} is lost`);
      if (!message) this.#gone.add(id);
      else assert.ok(!this.#gone.has(id), `${id} came back`);
    }
    for (const { id, parentId, childrenIds } of Object.values(messages)) {
      if (parentId) assert.ok(messages[parentId]?.childrenIds.includes(id), `${id} hangs nowhere`);
      assert.equal(new Set(childrenIds).size, childrenIds.length, `${id} has a child twice`);
      for (const child of childrenIds) assert.equal(messages[child]?.parentId, id);
      const path = new Set<string>();
      for (let up: string | null | undefined = id; up; up = messages[up]?.parentId) {
        assert.ok(!path.has(up), `${id} is in a circle`);
        path.add(up);
      }
    }
    if (Object.keys(messages).length === 0) assert.equal(currentId, null);
    else assert.deepEqual(messages[currentId ?? ""]?.childrenIds, [], "the current one is an end");
  }

  async #history(): Promise<Device> {
    const { history } = (await this.chats.get(user, this.chatId)).chat;
    const { messages = {}, currentId = null, seen } = history ?? {};
    return { messages: structuredClone(messages as Messages), currentId, ...(seen && { seen }) };
  }

  async #post({ currentId, messages, seen }: Device): Promise<void> {
    const history = { currentId, messages, ...(this.knows && seen !== undefined && { seen }) };
    await this.chats.update(user, this.chatId, { history: structuredClone(history) });
  }

  async #ask(device: Device, parentId: string | null): Promise<void> {
    const id = `m${this.#count++}`;
    const content = `question ${id}`;
    device.messages[id] = { id, parentId, childrenIds: [], role: "user", content };
    if (parentId) device.messages[parentId]?.childrenIds.push(id);
    device.currentId = id;
    this.#truth.set(id, content);
    await this.#post(device);
  }

  async #answer(): Promise<void> {
    const { messages } = await this.#history();
    const question = Object.values(messages).findLast(({ role }) => role === "user");
    if (!question || this.#open) return;
    const messageId = `m${this.#count++}`;
    const generation = `of-${messageId}`;
    this.#open = { messageId, generation };
    const place = { model: "m", parentId: question.id };
    await this.#answers.begin({ ...this.#open, userId: user, chatId: this.chatId }, place);
    this.#truth.set(messageId, "");
  }

  async #end(): Promise<void> {
    if (!this.#open) return;
    const { messageId } = this.#open;
    const content = `answer ${messageId}`;
    const ref = { ...this.#open, userId: user, chatId: this.chatId };
    this.#open = undefined;
    const outcome = await this.#answers.finish(ref, { content, done: true });
    assert.equal(outcome, "stored", `${messageId} was lost while it was answered`);
    this.#truth.set(messageId, content);
  }

  async #edit(device: Device, id: string): Promise<void> {
    const message = device.messages[id];
    if (!message || message.role !== "user") return;
    const content = `edited ${this.#count++}`;
    const isKnown = message.content === this.#truth.get(id) && !this.#gone.has(id);
    message.content = content;
    if (isKnown) this.#truth.set(id, content);
    await this.#post(device);
  }

  async #delete(device: Device, id: string): Promise<void> {
    const message = device.messages[id];
    if (!message) return;
    // As Open WebUI's client does: the message and its answers go, what follows moves up.
    const gone = new Set([id, ...message.childrenIds]);
    for (const one of gone) delete device.messages[one];
    for (const one of Object.values(device.messages)) {
      if (one.parentId && gone.has(one.parentId)) one.parentId = message.parentId ?? null;
      one.childrenIds = one.childrenIds.filter((child) => !gone.has(child));
    }
    device.currentId = Object.keys(device.messages).at(-1) ?? null;
    if (this.knows) { for (const one of gone) this.#leftOut.add(one); }
    await this.#post(device);
  }

  get #answers(): ChatAnswers {
    return new ChatAnswers(this.chats);
  }
}

for (const knows of [true, false]) {
  const who = knows ? "say what they have seen" : "say nothing of what they have seen";
  Deno.test(`W1, W2: of two devices that post whole histories and ${who}, none loses what it did not know`, async () => {
    await using store = await openKvStore({
      path: ":memory:",
      keyPrefix: "test",
      logger: silentLogger,
    });
    const chats = new ChatStore(store);
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 5, maxLength: 40, size: "max" }),
        async (steps) => {
          // Who says nothing edits over each other: only what comes and goes is told apart then.
          const taken = knows ? steps : steps.filter(({ kind }) => kind !== "edit");
          const { id } = await chats.create(user, {});
          const world = new World(chats, id, knows);
          await world.begin();
          for (const one of taken) {
            await world.take(one);
            await world.check();
          }
        },
      ),
      { numRuns: 150 },
    );
  });
}

Deno.test("W1: who has read a message deletes it, and it stays deleted; what was unseen stays", async () => {
  await using store = await openKvStore({
    path: ":memory:",
    keyPrefix: "test",
    logger: silentLogger,
  });
  const chats = new ChatStore(store);
  const say = (id: string, parentId: string | null, role: "user" | "assistant" = "user") => ({
    id,
    parentId,
    role,
    childrenIds: [] as string[],
    content: id,
    done: true,
  });
  const { id, chat } = await chats.create(user, {
    history: { currentId: "a", messages: { q: say("q", null), a: say("a", "q", "assistant") } },
  });
  const seen = chat.history?.seen;
  assert.ok(seen !== undefined);
  const q = say("q", null);
  // Added after the reading: who posts the same reading without it may be another device.
  const mine = { q, a: say("a", "q", "assistant"), mine: say("mine", "q") };
  const posted = await chats.update(user, id, { history: { seen, messages: mine } });
  await chats.addMessage(user, id, say("theirs", "q"));
  const ids = async () => Object.keys((await chats.get(user, id)).chat.history?.messages ?? {});
  await chats.update(user, id, { history: { seen, currentId: "q", messages: { q } } });
  assert.deepEqual((await ids()).sort(), ["mine", "q", "theirs"]);
  // The answer to the post is a reading, too.
  const { seen: since } = posted.chat.history ?? {};
  await chats.update(user, id, { history: { seen: since, currentId: "q", messages: { q } } });
  assert.deepEqual((await ids()).sort(), ["q", "theirs"]);
  await chats.update(user, id, { history: { messages: mine } });
  assert.deepEqual((await ids()).sort(), ["q", "theirs"], "an older copy brings nothing back");
  await chats.update(user, id, { history: { seen, messages: {} } });
  assert.deepEqual((await ids()).sort(), ["q", "theirs"], "something unseen hangs on it");
  const other = await chats.create(user, {});
  await chats.update(user, other.id, { history: { messages: { q } } });
  await chats.update(user, other.id, { history: { seen, messages: {} } });
  const kept = (await chats.get(user, other.id)).chat.history?.messages ?? {};
  assert.deepEqual(Object.keys(kept), ["q"], "what was seen of another chat says nothing here");

  const again = (await chats.get(user, id)).chat.history;
  await chats.update(user, id, { history: { seen: again?.seen, messages: {} } });
  assert.deepEqual(await ids(), [], "who has read all may delete all");
});

Deno.test("W2: two questions in one moment are two branches, both whole", async () => {
  await using store = await openKvStore({
    path: ":memory:",
    keyPrefix: "test",
    logger: silentLogger,
  });
  const chats = new ChatStore(store);
  const say = (id: string, parentId: string | null): ChatMessage => (
    { id, parentId, role: "user", childrenIds: [], content: id }
  );
  for (let round = 0; round < 20; round++) {
    const { id, chat } = await chats.create(user, { history: { messages: { r: say("r", null) } } });
    const { seen } = chat.history ?? {};
    const post = (own: string) => {
      const messages = { r: { ...say("r", null), childrenIds: [own] }, [own]: say(own, "r") };
      return chats.update(user, id, { history: { seen, currentId: own, messages } });
    };
    await Promise.all([post("one"), post("two"), chats.addMessage(user, id, say("three", "r"))]);
    const { messages = {} } = (await chats.get(user, id)).chat.history ?? {};
    assert.deepEqual([...messages.r?.childrenIds ?? []].sort(), ["one", "three", "two"]);
  }
});

Deno.test("X11: a chat has an end: 10,000 messages, however they come", async () => {
  await using store = await openKvStore({
    path: ":memory:",
    keyPrefix: "test",
    logger: silentLogger,
  });
  const chats = new ChatStore(store);
  const say = (at: number): ChatMessage => (
    { id: `m${at}`, parentId: null, role: "user", childrenIds: [], content: "" }
  );
  const many = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, at) => [`m${at}`, say(at)]));
  await assert.rejects(chats.create(user, { history: { messages: many(10_001) } }), {
    code: "too_large",
  });
  const { id } = await chats.create(user, { history: { messages: many(9_999) } });
  await chats.addMessage(user, id, say(9_999));
  await assert.rejects(chats.addMessage(user, id, say(10_000)), { code: "too_large" });
  const more = { history: { messages: { m10000: say(10_000) } } };
  await assert.rejects(chats.update(user, id, more), { code: "too_large" });
  assert.equal(
    Object.keys((await chats.get(user, id)).chat.history?.messages ?? {}).length,
    10_000,
  );
});
