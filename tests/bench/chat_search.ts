/**
 * How long a search takes among 10,000 chats, how large its index is, and what it costs to keep: on a
 * store in a file and on Redis. Against it, what one would do without: read every message.
 *
 *     deno run -A tests/bench/chat_search.ts           # or: kv, redis
 */
import { ChatStore } from "../../lib/chats/chat_store.ts";
import { termsOf, wordsOf } from "../../lib/chats/words.ts";
import { silentLogger as logger } from "../../lib/common/logger.ts";
import type { ChatMessage } from "../../lib/protocol/chat.ts";
import { keys } from "../../lib/state/key_space.ts";
import { openKvStore } from "../../lib/state/kv_store.ts";
import { openRedisStore } from "../../lib/state/redis_store.ts";
import type { StateStore } from "../../lib/state/state_store.ts";
import { HOST, redisAvailable, RedisServer } from "../support/redis_server.ts";
import { say } from "../support/say.ts";
import { tempFolder } from "../support/temp_folder.ts";

const CHATS = 10_000;
const MESSAGES = 6;
const WORDS = 80;
const VOCABULARY = 30_000;
const TIMES = 15;
const ME = "ada";

/** Words as texts have them: few are frequent, many are rare. */
const word = () => `w${Math.floor(VOCABULARY ** Math.random()).toString(36)}`;
const text = () => Array.from({ length: WORDS }, word).join(" ");

const median = (all: number[]) => all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)] ?? 0;
const ms = (value: number) => `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;

async function timed(work: () => Promise<unknown>, times = TIMES): Promise<number> {
  const all: number[] = [];
  for (let at = 0; at < times; at++) {
    const began = performance.now();
    await work();
    all.push(performance.now() - began);
  }
  return median(all);
}

async function fill(chats: ChatStore): Promise<number> {
  let bytes = 0;
  for (let made = 0; made < CHATS; made += 100) {
    await Promise.all(Array.from({ length: 100 }, async (_, at) => {
      const isRare = made + at === 7;
      const messages: Record<string, ChatMessage> = {};
      for (let place = 0; place < MESSAGES; place++) {
        const content = isRare && place === 3 ? `${text()} pelican` : text();
        bytes += content.length;
        const [id, parentId] = [`m${place}`, place > 0 ? `m${place - 1}` : null];
        messages[id] = { id, parentId, childrenIds: [], role: "user", content };
      }
      await chats.create(ME, {
        title: `chat ${made + at}`,
        history: { currentId: `m${MESSAGES - 1}`, messages },
      });
    }));
  }
  return bytes;
}

async function withoutIndex(store: StateStore, term: string): Promise<number> {
  let found = 0;
  let cursor: string | undefined;
  do {
    const page = await store.sortedIndex(keys.userChats(ME))
      .page({ limit: 1_000, ...(cursor !== undefined && { cursor }) });
    for (let at = 0; at < page.entries.length; at += 50) {
      await Promise.all(
        page.entries.slice(at, at + 50).map(async ({ member }) => {
          for await (const messages of store.dictionary(keys.chatMessages(member)).scan()) {
            if (messages.some(([, { content }]) => content.includes(term))) found++;
          }
        }),
      );
    }
    cursor = page.cursor;
  } while (cursor !== undefined);
  return found;
}

async function measure(store: StateStore): Promise<void> {
  const chats = new ChatStore(store);
  const began = performance.now();
  const bytes = await fill(chats);
  const filled = performance.now() - began;
  let indexBytes = 0;
  for await (const page of store.dictionary(keys.chatWords(ME)).scan()) {
    for (const [, { title, words }] of page) indexBytes += title.length + words.length;
  }
  // A search within seconds of a change believes nothing that it remembers: 11 s later, it does.
  await new Promise((resolve) => setTimeout(resolve, 11_000));
  const cold = await timed(() => new ChatStore(store).search.search(ME, "pelican"), 3);
  await chats.search.search(ME, "pelican");
  const rare = await timed(() => chats.search.search(ME, "pelican"));
  const common = await timed(() => chats.search.search(ME, "w1"));
  const plain = await timed(() => withoutIndex(store, "pelican"), 1);
  const id = (await chats.search.search(ME, "pelican")).ids[0] ?? "";
  const sample = text();
  const add = await timed(() => chats.search.add(ME, id, { texts: [sample] }), 200);
  const cpu = await timed(
    () => Promise.resolve([...wordsOf(sample)].length + termsOf("w1").length),
    200,
  );
  say(
    `${store.name}: ${CHATS} chats of ${MESSAGES} messages, ${(bytes / 1e6).toFixed(1)} MB of text`,
  );
  say(`  filled in ${Math.round(filled / 1000)} s; index ${(indexBytes / 1e6).toFixed(1)} MB`);
  say(
    `  a rare word, nothing remembered: ${ms(cold)}; again: ${ms(rare)}; a frequent word: ${
      ms(common)
    }`,
  );
  say(
    `  every message read instead: ${ms(plain)}, ${(plain / cold).toFixed(1)} and ${
      (plain / rare).toFixed(0)
    } times as long`,
  );
  say(
    `  to keep it, a message: ${ms(add)} until it is stored, ${
      (cpu * 1000).toFixed(0)
    } µs of words`,
  );
}

const [only = ""] = Deno.args;
if (only !== "redis") {
  await using folder = await tempFolder();
  await using store = await openKvStore({
    path: `${folder.path}/search.kv`,
    keyPrefix: "b",
    logger,
  });
  await measure(store);
}
if (only !== "kv" && redisAvailable()) {
  await using redis = await RedisServer.start();
  const url = `redis://${HOST}:${redis.port}`;
  await using store = await openRedisStore({ url, keyPrefix: "b", logger });
  await measure(store);
}
