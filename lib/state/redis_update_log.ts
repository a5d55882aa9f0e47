import { createHash } from "node:crypto";
import type { Buffer } from "node:buffer";
import { AppError } from "../common/errors.ts";
import { yieldToEvents } from "../common/pause.ts";
import type { RedisConnection } from "../redis/connection.ts";
import { script } from "../redis/script.ts";
import { decodeBytes, encodeBytes } from "./redis_bytes.ts";
import { type CollectionOptions, MAX_VALUE_BYTES, type UpdateLog } from "./state_store.ts";

const APPEND = script(`
local length = 0
for i = 2, #ARGV, 1000 do
  length = redis.call('RPUSH', KEYS[1], unpack(ARGV, i, math.min(i + 999, #ARGV)))
end
if tonumber(ARGV[1]) > 0 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return length
`);

/**
 * Puts the snapshot in the place of the oldest entries if they are still those that it was made
 * from. If this is the second arrival of one request, the snapshot may stand there already.
 */
const COMPACT = script(`
local count, digest, snapshot = tonumber(ARGV[1]), ARGV[2], ARGV[3]
if ARGV[5] == '1' and redis.call('LINDEX', KEYS[1], 0) == snapshot then return 1 end
local head = redis.call('LRANGE', KEYS[1], 0, count - 1)
if #head < count or redis.sha1hex(table.concat(head, '\\n')) ~= digest then return 0 end
redis.call('LTRIM', KEYS[1], count, -1)
redis.call('LPUSH', KEYS[1], snapshot)
if tonumber(ARGV[4]) > 0 then redis.call('PEXPIRE', KEYS[1], ARGV[4]) end
return 1
`);

/** Entries that are decoded before others get their turn. */
const ENTRIES_PER_TURN = 5_000;

function encode(update: Uint8Array): Buffer {
  if (update.length > MAX_VALUE_BYTES) {
    throw new AppError("too_large", `An update takes at most ${MAX_VALUE_BYTES} bytes.`);
  }
  return encodeBytes(update);
}

/** The digest of entries; no line break can be inside one, so their borders are part of it. */
function digestOf(entries: Buffer[]): string {
  const hash = createHash("sha1");
  entries.forEach((entry, index) => {
    if (index > 0) hash.update("\n");
    hash.update(entry);
  });
  return hash.digest("hex");
}

async function decodeAll(entries: Buffer[]): Promise<Uint8Array[]> {
  const updates: Uint8Array[] = [];
  for (let at = 0; at < entries.length; at += ENTRIES_PER_TURN) {
    if (at > 0) await yieldToEvents();
    for (const entry of entries.slice(at, at + ENTRIES_PER_TURN)) updates.push(decodeBytes(entry));
  }
  return updates;
}

/** A LIST whose entries are JSON arrays of bytes, as Open WebUI's instances write and read them. */
export function redisUpdateLog(
  redis: RedisConnection,
  key: string,
  { ttlMs = 0 }: CollectionOptions = {},
): UpdateLog {
  const ttl = Math.ceil(ttlMs);
  const length = () => redis.run((client) => client.llen(key));
  const range = (last: number) => redis.run((client) => client.lrangeBuffer(key, 0, last));

  return {
    async append(...updates) {
      if (updates.length === 0) return await length();
      return Number(await redis.runScript(APPEND, key, [ttl, ...updates.map(encode)]));
    },

    read: async () => await decodeAll(await range(-1)),
    length,

    async compact(count, merge) {
      if (count < 1) return false;
      const oldest = await range(count - 1);
      if (oldest.length < count) return false;
      const snapshot = encode(await merge(await decodeAll(oldest)));
      const digest = digestOf(oldest);
      const answer = await redis.runScript(
        COMPACT,
        key,
        (attempt) => [count, digest, snapshot, ttl, attempt > 0 ? 1 : 0],
      );
      return answer === 1;
    },

    async clear() {
      await redis.run((client) => client.del(key));
    },
  };
}
