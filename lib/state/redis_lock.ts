import type { RedisConnection } from "../redis/connection.ts";
import { script } from "../redis/script.ts";
import type { HeldLock } from "./state_store.ts";

/** `SET NX PX`; a lock that already names this owner is the same request, whose answer was lost. */
const ACQUIRE = script(`
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 1 end
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
`);

const RENEW = script(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
`);

const RELEASE = script(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
`);

/** Takes the lock, or returns `undefined` when somebody holds it. Only its owner renews or ends it. */
export async function redisAcquire(
  redis: RedisConnection,
  key: string,
  ttlMs: number,
): Promise<HeldLock | undefined> {
  const owner = crypto.randomUUID();
  const time = Math.ceil(ttlMs);
  if (await redis.runScript(ACQUIRE, key, [owner, time]) !== 1) return undefined;

  const release = async () => {
    await redis.runScript(RELEASE, key, [owner]);
  };
  return {
    owner,
    renew: async () => await redis.runScript(RENEW, key, [owner, time]) === 1,
    release,
    // A lock that can't be given back ends with its time; whoever shuts down must not fail over it.
    [Symbol.asyncDispose]: () => release().catch(() => {}),
  };
}
