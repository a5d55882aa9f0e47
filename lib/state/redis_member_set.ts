import type { RedisConnection } from "../redis/connection.ts";
import { script } from "../redis/script.ts";
import type { CollectionOptions, MemberSet } from "./state_store.ts";

/** Lua hands a command at most some thousand arguments, so they go in groups. */
const ADD = script(`
local added = 0
for i = 2, #ARGV, 1000 do
  added = added + redis.call('SADD', KEYS[1], unpack(ARGV, i, math.min(i + 999, #ARGV)))
end
if tonumber(ARGV[1]) > 0 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return added
`);

const REMOVE = script(`
local removed = 0
for i = 1, #ARGV, 1000 do
  removed = removed + redis.call('SREM', KEYS[1], unpack(ARGV, i, math.min(i + 999, #ARGV)))
end
return {removed, redis.call('SCARD', KEYS[1])}
`);

/** A SET of strings. */
export function redisMemberSet(
  redis: RedisConnection,
  key: string,
  { ttlMs = 0 }: CollectionOptions = {},
): MemberSet {
  return {
    async add(...members) {
      if (members.length === 0) return 0;
      return Number(await redis.runScript(ADD, key, [Math.ceil(ttlMs), ...members]));
    },

    async remove(...members) {
      const answer = await redis.runScript(REMOVE, key, members);
      const [removed = 0, left = 0] = answer as number[];
      return { removed, left };
    },

    has: async (member) => await redis.run((client) => client.sismember(key, member)) === 1,
    members: () => redis.run((client) => client.smembers(key)),

    async clear() {
      await redis.run((client) => client.del(key));
    },
  };
}
