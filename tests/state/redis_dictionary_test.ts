import assert from "node:assert/strict";
import type { CommandClient } from "../../lib/redis/clients.ts";
import type { RedisConnection } from "../../lib/redis/connection.ts";
import { RedisDictionary } from "../../lib/state/redis_dictionary.ts";
import { Updates } from "../../lib/state/redis_update.ts";

/** A Redis whose HSCAN gives these answers, cursor by cursor. */
function scanning(answers: Record<string, [cursor: string, flat: string[]]>): RedisConnection {
  const client = { hscan: (_key: string, cursor: string) => Promise.resolve(answers[cursor]) };
  const connection: Pick<RedisConnection, "run"> = {
    run: (send) => send(client as unknown as CommandClient, 0),
  };
  return connection as RedisConnection;
}

Deno.test("a field that HSCAN names twice, as a shrinking table makes it, is seen once", async () => {
  const redis = scanning({
    "0": ["8", ["a", "1", "b", "2"]],
    "8": ["4", []],
    "4": ["0", ["b", "2", "c", "3", "a", "1"]],
  });
  const dictionary = new RedisDictionary<number>(redis, new Updates(redis), "key");
  const pages = await Array.fromAsync(dictionary.scan());
  assert.deepEqual(pages, [[["a", 1], ["b", 2]], [["c", 3]]]);
});

Deno.test("a small hash, which HSCAN gives in one piece, is cut into pages", async () => {
  const redis = scanning({ "0": ["0", ["a", "1", "b", "2", "c", "3"]] });
  const dictionary = new RedisDictionary<number>(redis, new Updates(redis), "key");
  const pages = await Array.fromAsync(dictionary.scan({ pageSize: 2 }));
  assert.deepEqual(pages, [[["a", 1], ["b", 2]], [["c", 3]]]);
});
