/** What a socket's life costs Redis: round trips of the store, and commands that Redis was given. */
import { type App, startApp } from "../../../lib/app.ts";
import { silentLogger } from "../../../lib/common/logger.ts";
import { loadConfig } from "../../../lib/config.ts";
import { RedisServer } from "../../support/redis_servers.ts";
import { clientFrame } from "../load/frames.ts";
import { LoadSocket } from "../load/socket.ts";
import { SECRET_KEY, type Tokens } from "../load/tokens.ts";
import { pause } from "../measure/pause.ts";
import { addUsers } from "../servers/bench_users.ts";
import type { Figure, Section } from "./section.ts";

const SOCKETS = 200;
/** What is written a little later, all together, is part of the cost. */
const AFTERWARDS_MS = 1_500;
const STEPS = ["connect", "heartbeat", "usage", "disconnect"] as const;

const FRAMES = {
  heartbeat: clientFrame('42["heartbeat",{}]'),
  usage: clientFrame('42["usage",{"model":"bench"}]'),
};

interface Counts {
  roundTrips: number;
  commands: number;
}

async function counts(app: App, redis: RedisServer): Promise<Counts> {
  return {
    commands: Number(await redis.info("total_commands_processed")),
    roundTrips: app.services.store.stats().roundTrips,
  };
}

async function connectAll({ url }: App, tokens: Tokens): Promise<LoadSocket[]> {
  const port = Number(new URL(url).port);
  const sockets: LoadSocket[] = [];
  // One after the other: together they would share what each alone has to pay.
  for (let index = 0; index < SOCKETS; index++) {
    const token = tokens.of(index);
    sockets.push(await LoadSocket.connect({ port, token, onPacket() {}, onLost() {} }));
  }
  return sockets;
}

/** The counts of each step, without what the server does by itself in as much time. */
async function measure(app: App, redis: RedisServer, tokens: Tokens): Promise<Counts[]> {
  let sockets: LoadSocket[] = [];
  const sendAll = async (frame: Uint8Array) => {
    for (const socket of sockets) {
      await socket.send(frame);
      await pause(2);
    }
  };
  const steps: Record<typeof STEPS[number], () => Promise<unknown>> = {
    connect: async () => sockets = await connectAll(app, tokens),
    heartbeat: () => sendAll(FRAMES.heartbeat),
    usage: () => sendAll(FRAMES.usage),
    disconnect: () => Promise.all(sockets.map((socket) => socket.close())),
  };
  const found: Counts[] = [];
  for (const step of STEPS) {
    const during = async (work: () => Promise<unknown>) => {
      const before = await counts(app, redis);
      const began = performance.now();
      await work();
      await pause(AFTERWARDS_MS);
      const ms = performance.now() - began;
      const after = await counts(app, redis);
      return {
        ms,
        commands: after.commands - before.commands,
        roundTrips: after.roundTrips - before.roundTrips,
      };
    };
    const busy = await during(steps[step]);
    const idle = await during(() => Promise.resolve());
    const share = busy.ms / idle.ms;
    found.push({
      commands: Math.max(0, busy.commands - idle.commands * share) / SOCKETS,
      roundTrips: Math.max(0, busy.roundTrips - idle.roundTrips * share) / SOCKETS,
    });
  }
  return found;
}

export const roundTrips: Section = {
  name: "round_trips",
  async run({ tokens }) {
    await using redis = await RedisServer.start();
    const settings: Record<string, string> = {
      HOST: "127.0.0.1",
      PORT: "0",
      WEBUI_SECRET_KEY: SECRET_KEY,
      WEBSOCKET_MANAGER: "redis",
      WEBSOCKET_REDIS_URL: redis.url,
      MAX_CONNECTIONS_PER_ADDRESS: "20000",
    };
    await using app = await startApp(loadConfig((name) => settings[name]), silentLogger);
    await addUsers(app);
    const rounds: Counts[][] = [];
    for (let round = 0; round < 3; round++) rounds.push(await measure(app, redis, tokens));
    return STEPS.flatMap((step, at) => {
      const figure = (what: keyof Counts, title: string): Figure => ({
        id: `round_trips.${step}.${what}`,
        title: `${step}: ${title}`,
        unit: "round trips",
        samples: { "ours-redis": rounds.map((found) => found[at]?.[what] ?? NaN) },
        failures: {},
      });
      return [
        figure("roundTrips", "round trips of the store"),
        figure("commands", "commands that Redis was given, subscriptions among them"),
      ];
    });
  },
};
