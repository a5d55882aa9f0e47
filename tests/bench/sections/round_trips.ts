/** What a socket's life costs Redis: round trips of the store, and commands that Redis was given. */
import { type App, startApp } from "../../../lib/app.ts";
import { silentLogger } from "../../../lib/common/logger.ts";
import { loadConfig } from "../../../lib/config.ts";
import { RedisServer } from "../../support/redis_servers.ts";
import { clientFrame } from "../load/frames.ts";
import { LoadSocket } from "../load/socket.ts";
import { SECRET_KEY, type Tokens } from "../load/tokens.ts";
import { userId } from "../load/users.ts";
import { pause } from "../measure/pause.ts";
import { addUsers } from "../servers/bench_users.ts";
import type { Figure, Section } from "./section.ts";

/** What is written a little later, all together, is part of the cost. */
const AFTERWARDS_MS = 1_500;
/** For what the server does by itself. */
const IDLE_MS = 10_000;
const STEPS = ["connect", "user-join", "heartbeat", "usage", "disconnect"] as const;

/** Sockets that come one close behind the other share what is gathered; alone, each pays all of it. */
const WAYS = {
  crowd: { sockets: 200, gapMs: 2, rounds: 3 },
  alone: { sockets: 8, gapMs: 1_200, rounds: 1 },
};
type Way = typeof WAYS[keyof typeof WAYS];

const HEARTBEAT = clientFrame('42["heartbeat",{}]');
const USAGE = clientFrame('42["usage",{"model":"bench"}]');
const userJoin = (token: string) =>
  clientFrame(`42["user-join",${JSON.stringify({ auth: { token } })}]`);

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

/** Two channels for everyone, and one for those who are its members: all of the bench. */
async function addChannels({ services: { channels } }: App, sockets: number): Promise<void> {
  const admin = { id: "bench-admin", role: "admin" as const };
  const members = Array.from({ length: sockets }, (_, index) => userId(index));
  await channels.create(admin, { name: "news" }, []);
  await channels.create(admin, { name: "help" }, []);
  await channels.create(admin, { name: "team", type: "group" }, members);
}

/** The counts of each step, without what the server does by itself in as much time. */
async function measure(app: App, redis: RedisServer, tokens: Tokens, way: Way): Promise<Counts[]> {
  const sockets: LoadSocket[] = [];
  const port = Number(new URL(app.url).port);
  const each = async (act: (index: number) => Promise<void>) => {
    for (let index = 0; index < way.sockets; index++) {
      await act(index);
      await pause(way.gapMs);
    }
  };
  const connectOne = async (index: number) => {
    const token = tokens.of(index);
    sockets.push(await LoadSocket.connect({ port, token, onPacket() {}, onLost() {} }));
  };
  const sendAll = (frame: (index: number) => Uint8Array) =>
    each(async (index) => await sockets[index]?.send(frame(index)));
  const steps: Record<typeof STEPS[number], () => Promise<unknown>> = {
    connect: () => each(connectOne),
    "user-join": () => sendAll((index) => userJoin(tokens.of(index))),
    heartbeat: () => sendAll(() => HEARTBEAT),
    usage: () => sendAll(() => USAGE),
    disconnect: () => each(async (index) => await sockets[index]?.close()),
  };
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
  const idle = await during(() => pause(IDLE_MS));
  const found: Counts[] = [];
  for (const step of STEPS) {
    const busy = await during(steps[step]);
    const share = busy.ms / idle.ms;
    found.push({
      commands: Math.max(0, busy.commands - idle.commands * share) / way.sockets,
      roundTrips: Math.max(0, busy.roundTrips - idle.roundTrips * share) / way.sockets,
    });
  }
  return found;
}

export const roundTrips: Section = {
  name: "round_trips",
  async run({ tokens, progress }) {
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
    await addChannels(app, WAYS.crowd.sockets);
    const figures: Figure[] = [];
    for (const [name, way] of Object.entries(WAYS)) {
      const rounds: Counts[][] = [];
      for (let round = 1; round <= way.rounds; round++) {
        progress(`${name}, round ${round} of ${way.rounds}`);
        rounds.push(await measure(app, redis, tokens, way));
      }
      for (const [at, step] of STEPS.entries()) {
        const figure = (what: keyof Counts, title: string): Figure => ({
          id: `round_trips.${name}.${step}.${what}`,
          title: `${step}, ${name}: ${title}`,
          unit: "round trips",
          samples: { "ours-redis": rounds.map((found) => found[at]?.[what] ?? NaN) },
          failures: {},
        });
        figures.push(
          figure("roundTrips", "round trips of the store"),
          figure("commands", "commands that Redis was given, subscriptions among them"),
        );
      }
    }
    return figures;
  },
};
