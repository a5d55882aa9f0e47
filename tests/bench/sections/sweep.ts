/** How long the event loop stands still while the sessions of a dead instance are reaped. */
import { join } from "node:path";
import { silentLogger as logger } from "../../../lib/common/logger.ts";
import { sessionSweepJob } from "../../../lib/sessions/session_sweep.ts";
import { keys } from "../../../lib/state/key_space.ts";
import { openKvStore } from "../../../lib/state/kv_store.ts";
import { openRedisStore } from "../../../lib/state/redis_store.ts";
import type { StateStore } from "../../../lib/state/state_store.ts";
import { longestPause } from "../../support/loop_pauses.ts";
import { RedisServer } from "../../support/redis_servers.ts";
import { userId } from "../load/users.ts";
import type { Figure, Section } from "./section.ts";

const SESSIONS = 20_000;
const ROUNDS = 5;
const DEAD = "dead-instance";

async function fill(store: StateStore): Promise<void> {
  const now = Math.floor(Date.now() / 1000);
  const entries = Array.from({ length: SESSIONS }, (_, index) => {
    const user = { id: userId(index), name: `User ${index}`, email: "", role: "user" };
    return [`socket-${index}`, { ...user, last_seen_at: now, instance_id: DEAD }] as const;
  });
  const pool = store.dictionary(keys.sessionPool);
  for (let at = 0; at < SESSIONS; at += 500) await pool.setMany(entries.slice(at, at + 500));
}

/** The longest pause, and the time of the whole sweep. */
async function sweep(store: StateStore): Promise<[pauseMs: number, allMs: number]> {
  await fill(store);
  const job = sessionSweepJob({ store, logger, stableForMs: () => Infinity });
  const { signal } = new AbortController();
  const began = performance.now();
  const pauseMs = await longestPause(async () =>
    await job.sweep({ signal, deadAmong: () => Promise.resolve(new Set([DEAD])) })
  );
  const allMs = performance.now() - began;
  for await (const page of store.dictionary(keys.sessionPool).scan({ pageSize: 1 })) {
    if (page.length > 0) throw new Error("Sessions of a dead instance were left");
  }
  return [pauseMs, allMs];
}

export const sweepSection: Section = {
  name: "sweep",
  async run({ progress }) {
    const pause: Figure = {
      id: "sweep.pause",
      title: "20,000 dead sessions reaped: longest pause of the event loop",
      unit: "ms",
      samples: {},
      failures: {},
    };
    const all: Figure = { ...pause, id: "sweep.all", title: "20,000 dead sessions: all reaped" };
    all.samples = {};
    await using redis = await RedisServer.start();
    const folder = await Deno.makeTempDir({ prefix: "webui-realtime-bench-" });
    const stores: Record<string, () => Promise<StateStore>> = {
      "ours-redis": () => openRedisStore({ url: redis.url, keyPrefix: "bench", logger }),
      "ours-kv": () => openKvStore({ path: join(folder, "bench.kv"), keyPrefix: "bench", logger }),
    };
    try {
      for (const [id, open] of Object.entries(stores)) {
        await using store = await open();
        for (let round = 0; round <= ROUNDS; round++) {
          progress(`${id}: ${round === 0 ? "warm-up" : `round ${round} of ${ROUNDS}`}`);
          const [pauseMs, allMs] = await sweep(store);
          if (round === 0) continue;
          (pause.samples[id] ??= []).push(pauseMs);
          (all.samples[id] ??= []).push(allMs);
        }
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
    return [pause, all];
  },
};
