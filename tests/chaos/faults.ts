/** What is done to the world, and what the servers should make of it. */
import { pause } from "../../lib/common/pause.ts";
import type { Ledger } from "./ledger.ts";
import type { Shape, World } from "./world.ts";

/** Of a server's `/ready` while a fault lasts. */
type Readiness = "stays ready" | "turns unready" | "may be either";

export interface Fault {
  name: string;
  shape: Shape;
  /** What a server in this place should say; the first one has its way to Redis through a proxy. */
  readiness(place: number): Readiness;
  /** What its log should hold, in one line with its cause, on the servers that feel it. */
  said?: RegExp;
  /** The error that a server may log. Default: none. */
  mayLog?: RegExp;
  /** Who feels it. Default: all. */
  felt?(place: number): boolean;
  /** Brings it about, and takes it away again; returns the places that were killed. */
  inflict(world: World, ledger: Ledger, random: () => number): Promise<number[]>;
}

const OUTAGE_MS = 3_000;
/** Longer than `/ready` may take to say so. */
const REFUSAL_MS = 5_000;
const JUMP_S = 3_600;
const LOST = /redis: connection lost/;
const onlyFirst = (place: number) => place === 0;

async function killMaster(
  servers: { kill(): Promise<void> },
  ledger: Ledger,
): Promise<number[]> {
  await servers.kill();
  ledger.masterDied();
  return [];
}

/** Redis answers, and refuses what it is told, until it is set right again. */
async function refuse(
  { redis }: World,
  begin: readonly string[],
  end: readonly string[],
): Promise<number[]> {
  await redis?.command(...begin);
  await pause(REFUSAL_MS);
  await redis?.command(...end);
  return [];
}

/** Fills the disk to its last byte. */
async function fill(path: string): Promise<void> {
  using file = await Deno.open(path, { write: true, create: true });
  const piece = new Uint8Array(256 * 1_024);
  try {
    for (;;) await file.write(piece);
  } catch (thrown) {
    if (!/os error 28/.test(String(thrown))) throw thrown;
  }
}

export const FAULTS: readonly Fault[] = [
  {
    name: "instance-killed",
    shape: "standalone",
    readiness: () => "stays ready",
    async inflict({ servers }, _ledger, random) {
      const place = Math.floor(random() * servers.length);
      servers[place]?.kill("SIGKILL");
      await servers[place]?.status;
      return [place];
    },
  },
  {
    name: "redis-restarted",
    shape: "standalone",
    readiness: () => "turns unready",
    said: LOST,
    async inflict({ redis }) {
      await redis?.kill();
      await pause(OUTAGE_MS);
      await redis?.restart();
      return [];
    },
  },
  {
    name: "pubsub-cut",
    shape: "standalone",
    // Until it listens again.
    readiness: () => "may be either",
    said: LOST,
    async inflict({ redis }) {
      for (let i = 0; i < 3; i++) {
        await redis?.cutPubSub();
        await pause(500);
      }
      return [];
    },
  },
  {
    name: "redis-slow",
    shape: "standalone",
    readiness: (place) => place === 0 ? "may be either" : "stays ready",
    async inflict({ proxy, cutOff, servers }) {
      cutOff.add(servers[0]?.instanceId ?? "");
      if (proxy) proxy.delayMs = 1_000;
      await pause(2 * OUTAGE_MS);
      if (proxy) proxy.delayMs = 0;
      return [];
    },
  },
  {
    name: "network-cut",
    shape: "standalone",
    readiness: (place) => place === 0 ? "turns unready" : "stays ready",
    said: LOST,
    felt: onlyFirst,
    async inflict({ proxy, cutOff, servers }) {
      cutOff.add(servers[0]?.instanceId ?? "");
      proxy?.cut();
      await pause(OUTAGE_MS);
      proxy?.heal();
      return [];
    },
  },
  {
    name: "redis-full",
    shape: "standalone",
    readiness: () => "turns unready",
    said: /not ready.*OOM/,
    inflict: (world) =>
      refuse(world, ["CONFIG", "SET", "maxmemory", "1"], ["CONFIG", "SET", "maxmemory", "0"]),
  },
  {
    name: "redis-read-only",
    shape: "standalone",
    readiness: () => "turns unready",
    said: /not ready.*READONLY/,
    inflict: (world) => refuse(world, ["REPLICAOF", "127.0.0.1", "1"], ["REPLICAOF", "NO", "ONE"]),
  },
  {
    name: "redis-commands-missing",
    shape: "standalone",
    readiness: () => "turns unready",
    said: /not ready.*NOPERM/,
    inflict: (world) =>
      refuse(
        world,
        ["ACL", "SETUSER", "default", "-eval", "-evalsha", "-hscan"],
        ["ACL", "SETUSER", "default", "+@all"],
      ),
  },
  {
    name: "clock-jumps",
    shape: "clock",
    readiness: () => "stays ready",
    async inflict({ clock }) {
      for (const seconds of [JUMP_S, 0, -JUMP_S, 0]) {
        await clock?.set(seconds);
        await pause(OUTAGE_MS);
      }
      return [];
    },
  },
  {
    name: "disk-full",
    shape: "disk",
    readiness: () => "turns unready",
    said: /not ready.*disk/,
    mayLog: /the disk of the store is full/,
    async inflict({ disk }) {
      const filler = `${disk?.path}/filler`;
      await fill(filler);
      await pause(REFUSAL_MS);
      await Deno.remove(filler);
      return [];
    },
  },
  {
    name: "sentinel-master-killed",
    shape: "sentinel",
    readiness: () => "may be either",
    said: LOST,
    inflict: async ({ sentinel }, ledger) =>
      sentinel ? await killMaster(await sentinel.master(), ledger) : [],
  },
  {
    name: "cluster-master-killed",
    shape: "cluster",
    readiness: () => "may be either",
    async inflict({ cluster }, ledger, random) {
      const master = cluster?.masters[Math.floor(random() * 3)];
      return master ? await killMaster(master, ledger) : [];
    },
  },
];
