/** What two processes on one port cost together, beside one: how much of the second is won. */
import { RedisServer } from "../../support/redis_servers.ts";
import { Crowd } from "../load/crowd.ts";
import { SECRET_KEY, type Tokens } from "../load/tokens.ts";
import { pause } from "../measure/pause.ts";
import { interleaved } from "../measure/rounds.ts";
import { ServerProcess } from "../measure/server_process.ts";
import { until } from "../../support/until.ts";
import type { BenchContext, Section } from "./section.ts";
import { type Load, startProvider, usPerToken } from "./streams.ts";

const LOAD: Load = {
  ...{ name: "scale", streams: 100, tokensASecond: 50, readers: 1 },
  title: "a token of 100 streams at 50 a second, of all instances",
};
const SOCKETS = LOAD.streams;
const EVENTS = { count: 100, pauseMs: 4 };
const PAYLOAD = { data: "x".repeat(200) };
/** Instances get to know each other, and listen to their rooms. */
const MEETING_MS = 3_000;

/** Processes that share a port, as one server. */
class Service implements AsyncDisposable {
  readonly port: number;
  readonly peer: ServerProcess["peer"];
  readonly #first: ServerProcess;
  readonly #others: readonly ServerProcess[];
  #crowd: Crowd | undefined;

  private constructor(first: ServerProcess, others: readonly ServerProcess[]) {
    this.#first = first;
    this.#others = others;
    this.port = first.port;
    this.peer = first.peer;
  }

  /** Starts those that are to be there beside the first, and connects to all of them. */
  static async start(
    { contestants, tokens }: BenchContext,
    first: ServerProcess,
    env: Record<string, string>,
  ): Promise<Service> {
    const contestant = contestants.find(({ peer }) => peer === first.peer);
    if (contestant === undefined) throw new Error(`Cannot start another ${first.peer.id}`);
    const { peer, launch } = contestant;
    const count = Number(launch.env?.["BENCH_INSTANCES"] ?? 1);
    const others: ServerProcess[] = [];
    while (others.length < count - 1) others.push(await ServerProcess.start(peer, launch, env));
    const service = new Service(first, others);
    try {
      await pause(MEETING_MS);
      await service.#connect(tokens);
      return service;
    } catch (thrown) {
      await service[Symbol.asyncDispose]();
      throw thrown;
    }
  }

  get crowd(): Crowd {
    if (this.#crowd === undefined) throw new Error("Nobody is connected");
    return this.#crowd;
  }

  async #connect(tokens: Tokens): Promise<void> {
    this.#crowd = await Crowd.connect(this.#first, tokens, SOCKETS);
    await until(async () => (await this.#counts()).reduce((sum, one) => sum + one) === SOCKETS, {
      limitMs: 60_000,
      what: `${SOCKETS} sockets to be signed in`,
    });
    const least = Math.min(...await this.#counts());
    if (least < SOCKETS / this.#all.length / 2) throw new Error(`One has ${least} sockets only`);
    for (const each of this.#all) await each.ask({ do: "gather" });
    await pause(MEETING_MS);
  }

  get #all(): ServerProcess[] {
    return [this.#first, ...this.#others];
  }

  #counts(): Promise<number[]> {
    return Promise.all(
      this.#all.map(async (each) => (await each.ask({ do: "sockets" })).count ?? 0),
    );
  }

  /** CPU time of all processes. */
  async cpuOf(work: () => Promise<void>): Promise<number> {
    const spent = async () => {
      const all = await Promise.all(this.#all.map((each) => each.cpuUs()));
      return all.reduce((sum, us) => sum + us);
    };
    const before = await spent();
    await work();
    return await spent() - before;
  }

  /** From one process to the sockets of all. */
  async usPerDelivery(): Promise<number> {
    const us = await this.cpuOf(async () => {
      const arrived = this.crowd.expect("event", EVENTS.count * SOCKETS);
      const emitted = this.#first.ask({ do: "emit", event: "events", payload: PAYLOAD, ...EVENTS });
      await Promise.all([arrived, emitted]);
    });
    return us / (EVENTS.count * SOCKETS);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#crowd?.[Symbol.asyncDispose]();
    for (const each of this.#others) await each[Symbol.asyncDispose]();
  }
}

export const scale: Section = {
  name: "scale",
  async run(all) {
    const contestants = all.contestants.filter(({ peer }) => peer.sections?.includes("scale"));
    const context = { ...all, contestants };
    await using redis = await RedisServer.start();
    await using provider = await startProvider(LOAD);
    const env = {
      BENCH_SECRET_KEY: SECRET_KEY,
      BENCH_REDIS_URL: redis.url,
      BENCH_PROVIDER_URL: `http://127.0.0.1:${provider.port}/v1`,
    };
    return await interleaved(context, {
      figures: [
        { id: "scale.delivery", title: "an event to 100 sockets of all instances", unit: "µs" },
        { id: "scale.streams", title: LOAD.title, unit: "µs" },
      ],
      rounds: 4,
      warmups: 1,
      env,
      setUp: (first) => Service.start(context, first, env),
      async measure(_first, service) {
        const delivery = await service.usPerDelivery();
        const { crowd } = service;
        return [delivery, await usPerToken(service, crowd, { load: LOAD, tokens: all.tokens })];
      },
    });
  },
};
