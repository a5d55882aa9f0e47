import assert from "node:assert/strict";
import type { App } from "../../lib/app.ts";
import { makeGroup } from "../channels/fixture.ts";
import { redisAvailable, RedisServer } from "../support/redis_server.ts";
import { say } from "../support/say.ts";
import { type Client, connect, type Person, signUp, startServer } from "../support/server.ts";
import { until } from "../support/until.ts";

const TRIES = 5;
const MODEL = "stand-in";

/** What each step of a lone socket costs; leases and sweeps cost trips too, so the least of several counts. */
class Costs {
  readonly #app: App;
  readonly #found = new Map<string, number>();

  constructor(app: App) {
    this.#app = app;
  }

  /** Until `written`, where the step writes a little later. */
  async of(step: string, work: () => Promise<unknown>, written?: () => Promise<boolean>) {
    // Nothing that was read for an earlier step helps this one.
    this.#app.services.users.forgetAll();
    const { store } = this.#app.services;
    const before = store.stats().roundTrips;
    await work();
    if (written) await until(written, { what: step });
    const cost = store.stats().roundTrips - before;
    this.#found.set(step, Math.min(cost, this.#found.get(step) ?? Infinity));
  }

  most(limits: Record<string, number>): void {
    say([...this.#found].map(([step, cost]) => `${step} ${cost}`).join(", "));
    assert.deepEqual([...this.#found.keys()].toSorted(), Object.keys(limits).toSorted());
    for (const [step, limit] of Object.entries(limits)) {
      assert.ok((this.#found.get(step) ?? NaN) <= limit, `${step}: ${this.#found.get(step)}`);
    }
  }
}

/** Channels of each kind: everyone's, a group's and two people's. */
async function makeChannels(admin: Person, people: Person[]): Promise<void> {
  await admin.json("POST", "/api/v1/channels/create", { name: "everyone" });
  await makeGroup(admin, people);
  for (const { id } of people) {
    await admin.json("POST", "/api/v1/channels/create", { type: "dm", user_ids: [id] });
  }
}

Deno.test({
  name:
    "S2: a lone socket's connect, heartbeat, usage and disconnect cost Redis one round trip each",
  ignore: !redisAvailable(),
  async fn() {
    await using redis = await RedisServer.start();
    const env = { WEBSOCKET_MANAGER: "redis", WEBSOCKET_REDIS_URL: redis.url };
    await using app = await startServer(env);
    const admin = await signUp(app.url);
    const people = await Promise.all(Array.from({ length: TRIES }, () => signUp(app.url)));
    await makeChannels(admin, people);
    const text = (...command: string[]) => redis.command(...command);
    const isPooled = async (sid: string) =>
      await text("HEXISTS", "open-webui:session_pool", sid) === "1";
    const costs = new Costs(app);
    for (const { id, token } of people) {
      let client: Client | undefined;
      await costs.of("connect", async () => client = await connect(app.url, token));
      assert.ok(client);
      await using stack = new AsyncDisposableStack();
      const { socket } = stack.use(client);
      const sid = socket.id ?? "";
      await until(() => isPooled(sid), { what: "the session" });
      const ask = (event: string, payload: unknown) => () => socket.emitWithAck(event, payload);
      await costs.of(
        "heartbeat",
        ask("heartbeat", {}),
        async () => await text("HEXISTS", "open-webui:rt:user_activity", id) === "1",
      );
      await costs.of("user-join", ask("user-join", { auth: { token } }));
      await costs.of("join-channels", ask("join-channels", { auth: { token } }));
      await costs.of(
        "disconnect",
        () => Promise.resolve(socket.disconnect()),
        async () => !await isPooled(sid),
      );
      const { socket: another } = stack.use(await connect(app.url, token));
      await until(() => isPooled(another.id ?? ""), { what: "the session" });
      const use = () => text("HGET", "open-webui:usage_pool", MODEL);
      for (const step of ["first usage", "usage"]) {
        const before = await use();
        const ping = () => another.emitWithAck("usage", { model: MODEL });
        await costs.of(step, ping, async () => await use() !== before);
      }
    }
    costs.most({
      "connect": 1,
      "user-join": 2,
      "join-channels": 2,
      "heartbeat": 1,
      "first usage": 2,
      "usage": 1,
      "disconnect": 1,
    });
  },
});
