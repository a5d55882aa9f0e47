/** What an idle connection holds in resident memory, with 5,000 of them. */
import { pause } from "../measure/pause.ts";
import { ServerProcess } from "../measure/server_process.ts";
import { Crowd } from "../load/crowd.ts";
import { SECRET_KEY, type Tokens } from "../load/tokens.ts";
import { untilSignedIn } from "./gathered.ts";
import type { Contestant, Figure, Section } from "./section.ts";

const SOCKETS = 5_000;
/** Connected and gone before the first reading: code and caches are not a connection's memory. */
const WARM_UP = 500;
const ROUNDS = 2;

const SETTLE_EVERY_MS = 500;
const SETTLE_AT_MOST = 20;
/** Settled when it has moved by less than this share. */
const SETTLED_SHARE = 0.005;

/** Collects garbage until the resident memory no longer moves. */
async function settledKiB(server: ServerProcess): Promise<number> {
  let before = Infinity;
  for (let i = 0; i < SETTLE_AT_MOST; i++) {
    await server.ask({ do: "gc" });
    await pause(SETTLE_EVERY_MS);
    const now = await server.residentKiB();
    if (Math.abs(now - before) < now * SETTLED_SHARE) return now;
    before = now;
  }
  return before;
}

async function kibEach({ peer, launch }: Contestant, tokens: Tokens): Promise<number> {
  await using server = await ServerProcess.start(peer, launch, { BENCH_SECRET_KEY: SECRET_KEY });
  {
    await using warmUp = await Crowd.connect(server, tokens, WARM_UP);
    await untilSignedIn(server, warmUp.sockets.length);
  }
  await untilSignedIn(server, 0);
  const empty = await settledKiB(server);
  await using crowd = await Crowd.connect(server, tokens, SOCKETS);
  await untilSignedIn(server, crowd.sockets.length);
  return (await settledKiB(server) - empty) / SOCKETS;
}

export const memory: Section = {
  name: "memory",
  async run({ contestants, tokens, progress }) {
    const figure: Figure = {
      id: "memory",
      title: "memory of an idle connection",
      unit: "KiB",
      samples: {},
      failures: {},
    };
    for (let round = 1; round <= ROUNDS; round++) {
      for (const contestant of contestants) {
        const { id } = contestant.peer;
        progress(`round ${round} of ${ROUNDS}: ${id}`);
        try {
          (figure.samples[id] ??= []).push(await kibEach(contestant, tokens));
        } catch (thrown) {
          progress(`${id} failed: ${thrown}`);
          figure.failures[id] = String(thrown);
        }
      }
    }
    for (const id of Object.keys(figure.failures)) delete figure.samples[id];
    return [figure];
  },
};
