import type { RedisConnection } from "../redis/connection.ts";
import { decodeValue, encodeValue, type KeyName } from "./redis_codec.ts";
import type { Updates } from "./redis_update.ts";
import type { Expiry, StateKey, ValueStore } from "./state_store.ts";

/** Single values: a STRING each, `SET … PX` when they end. */
export function redisValues(
  redis: RedisConnection,
  updates: Updates,
  name: KeyName,
): ValueStore {
  return {
    get: async <T>(key: StateKey) =>
      decodeValue<T>(await redis.run((client) => client.get(name(key)))),

    async getMany<T>(keys: readonly StateKey[]) {
      const texts = await redis.getTexts(keys.map(name));
      return texts.map((text) => decodeValue<T>(text));
    },

    async set<T>(key: StateKey, value: T, { ttlMs }: Expiry = {}) {
      const entry = { key: name(key), ttlMs };
      if (updates.pending(entry)) return void await updates.update(entry, () => value);
      const text = encodeValue(value);
      await redis.run((client) =>
        ttlMs === undefined
          ? client.set(name(key), text)
          : client.set(name(key), text, "PX", Math.ceil(ttlMs))
      );
    },

    setIfAbsent<T>(key: StateKey, value: T, { ttlMs }: Expiry = {}) {
      const text = encodeValue(value);
      return redis.run(async (client, attempt) => {
        const written = ttlMs === undefined
          ? await client.set(name(key), text, "NX")
          : await client.set(name(key), text, "PX", Math.ceil(ttlMs), "NX");
        if (written === "OK") return true;
        // An earlier attempt, whose answer was lost, may have been the one that wrote it.
        return attempt > 0 && await client.get(name(key)) === text;
      });
    },

    update: (key, change, { ttlMs } = {}) => updates.update({ key: name(key), ttlMs }, change),

    async delete(key) {
      const entry = { key: name(key) };
      if (updates.pending(entry)) return void await updates.update(entry, () => undefined);
      await redis.run((client) => client.del(name(key)));
    },

    async *names(family) {
      const beginning = `${name(family)}:`;
      for await (const page of redis.keysLike(`${escaped(beginning)}*`, "string")) {
        const last = page.map((key) => key.slice(beginning.length));
        yield last.filter((part) => !part.includes(":")).map((part) => [...family, part]);
      }
    },
  };
}

/** What has a meaning of its own in a pattern of Redis means itself. */
const escaped = (text: string) => text.replace(/[\\*?[\]]/g, "\\$&");
