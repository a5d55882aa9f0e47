/** An event from one instance to a socket of another: how long it takes, and what both spend on it. */
import { join } from "node:path";
import { kvConnectAvailable, KvConnectServer } from "../../support/kv_connect_server.ts";
import { RedisServer } from "../../support/redis_servers.ts";
import { Crowd } from "../load/crowd.ts";
import { SECRET_KEY, type Tokens } from "../load/tokens.ts";
import { pause } from "../measure/pause.ts";
import { interleaved } from "../measure/rounds.ts";
import { ServerProcess } from "../measure/server_process.ts";
import { quantile } from "../measure/statistics.ts";
import { untilSignedIn } from "./gathered.ts";
import type { BenchContext, Section } from "./section.ts";

const PAYLOAD_BYTES = 200;
const PACED = { count: 250, pauseMs: 4 };
const BURST = { count: 5_000, pauseMs: 0 };
/** Instances get to know each other, and listen to their rooms. */
const MEETING_MS = 3_000;

const decoder = new TextDecoder();

/** The second instance, with one socket in the room to which the first one sends. */
class Receiver implements AsyncDisposable {
  readonly #server: ServerProcess;
  readonly #crowd: Crowd;
  #latenciesMs: number[] = [];

  private constructor(server: ServerProcess, crowd: Crowd) {
    this.#server = server;
    this.#crowd = crowd;
    crowd.inspect = (_index, kind, payload) => {
      const nowMs = performance.timeOrigin + performance.now();
      if (kind !== "event") return;
      const [, { sentAtMs }] = JSON.parse(decoder.decode(payload));
      this.#latenciesMs.push(nowMs - sentAtMs);
    };
  }

  static async start(
    { contestants }: BenchContext,
    sender: ServerProcess,
    env: Record<string, string>,
    tokens: Tokens,
  ): Promise<Receiver> {
    const contestant = contestants.find(({ peer }) => peer === sender.peer);
    if (contestant === undefined) throw new Error(`Cannot start another ${sender.peer.id}`);
    const server = await ServerProcess.start(contestant.peer, contestant.launch, env);
    try {
      const crowd = await Crowd.connect(server, tokens, 1);
      await untilSignedIn(server, 1);
      await server.ask({ do: "gather" });
      await pause(MEETING_MS);
      return new Receiver(server, crowd);
    } catch (thrown) {
      await server[Symbol.asyncDispose]();
      throw thrown;
    }
  }

  /** Median, 99th percentile and the last one's arrival in ms; CPU time of both an event in µs. */
  async measure(sender: ServerProcess, how: typeof PACED) {
    this.#latenciesMs = [];
    const payload = { data: "x".repeat(PAYLOAD_BYTES) };
    let [sendersUs, beganMs, endedMs] = [0, 0, 0];
    const receiversUs = await this.#server.cpuOf(async () => {
      sendersUs = await sender.cpuOf(async () => {
        beganMs = performance.now();
        const arrived = this.#crowd.expect("event", how.count);
        const emitted = sender.ask({ do: "emit", event: "events", payload, ...how });
        await arrived;
        endedMs = performance.now();
        await emitted;
      });
    });
    return {
      p50: quantile(this.#latenciesMs, 0.5),
      p99: quantile(this.#latenciesMs, 0.99),
      lastMs: endedMs - beganMs,
      us: (sendersUs + receiversUs) / how.count,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#crowd[Symbol.asyncDispose]();
    await this.#server[Symbol.asyncDispose]();
  }
}

export const instances: Section = {
  name: "instances",
  async run(all) {
    const contestants = all.contestants.filter(({ peer }) => peer.sections?.includes("instances"));
    const context = { ...all, contestants };
    await using redis = await RedisServer.start();
    await using kvConnect = kvConnectAvailable() ? await KvConnectServer.start() : undefined;
    const folder = await Deno.makeTempDir({ prefix: "webui-realtime-bench-" });
    const env = {
      BENCH_SECRET_KEY: SECRET_KEY,
      BENCH_REDIS_URL: redis.url,
      BENCH_KV_PATH: join(folder, "bench.kv"),
      BENCH_KV_CONNECT_URL: kvConnect?.url ?? "",
    };
    try {
      return await interleaved(context, {
        figures: [
          { id: "instances.p50", title: "to another instance, 250 a second: median", unit: "ms" },
          { id: "instances.p99", title: "to another instance: 99th percentile", unit: "ms" },
          { id: "instances.cpu", title: "to another instance: sender and receiver", unit: "µs" },
          { id: "instances.burst", title: "5,000 at once: the last has arrived", unit: "ms" },
          { id: "instances.burst.cpu", title: "5,000 at once: sender and receiver", unit: "µs" },
        ],
        rounds: 9,
        warmups: 3,
        env,
        setUp: (sender) => Receiver.start(context, sender, env, context.tokens),
        async measure(sender, receiver) {
          const paced = await receiver.measure(sender, PACED);
          const burst = await receiver.measure(sender, BURST);
          return [paced.p50, paced.p99, paced.us, burst.lastMs, burst.us];
        },
      });
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
};
