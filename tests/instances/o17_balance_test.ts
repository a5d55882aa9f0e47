import assert from "node:assert/strict";
import { openInstances } from "../support/instances.ts";
import { redisAvailable } from "../support/redis_servers.ts";
import { RoundRobin } from "../support/round_robin.ts";
import { keepingLogger } from "../support/log_lines.ts";
import { type Client, connect, signUp } from "../support/server.ts";
import { until } from "../support/until.ts";

const PEOPLE = 24;
const portOf = ({ url }: { url: string }) => Number(new URL(url).port);
/** Sockets are let go every second, and the instances count each other's every two. */
const env = { SESSION_TIMEOUT: "24", WEBSOCKET_HEARTBEAT_INTERVAL: "8" };

async function openCrowd(behind: (ports: number[]) => number[]) {
  await using stack = new AsyncDisposableStack();
  const { logger, lines } = keepingLogger();
  const instances = stack.use(await openInstances("redis", { env, logger }));
  const { a, b } = instances;
  // At first the balancer knows one of the two only, as while the other is restarted.
  const ports = [portOf(a)];
  const balancer = stack.use(new RoundRobin(ports));
  const person = await signUp(a.url);
  const clients: Client[] = [];
  const lost = new Set<Client>();
  const arrive = async () => {
    const client = stack.use(
      await connect(balancer.url, person.token, { reconnectionDelay: 50, randomizationFactor: 0 }),
    );
    client.socket.on("disconnect", () => lost.add(client));
    clients.push(client);
    return client;
  };
  // One who is at work all the time.
  const busy = await arrive();
  const working = setInterval(() => busy.socket.emit("heartbeat", {}, () => {}), 50);
  stack.defer(() => clearInterval(working));
  while (clients.length < PEOPLE) await arrive();
  ports.splice(0, 1, ...behind([portOf(a), portOf(b)]));
  const held = () => [a, b].map(({ sockets }) => sockets.server.stats().sockets);
  const all = stack.move();
  return {
    a,
    b,
    busy,
    clients,
    lost,
    held,
    lines,
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

Deno.test({
  name: "O17: sockets spread again when an instance comes back, and who is at work is left alone",
  ignore: !redisAvailable(),
  async fn() {
    await using crowd = await openCrowd((ports) => ports);
    await until(() => Math.abs((crowd.held()[0] ?? 0) - PEOPLE / 2) <= 1, {
      what: "half of the sockets to be elsewhere",
      limitMs: 60_000,
    });
    // The servers know of it before those who were sent away do.
    await until(() => crowd.lost.size >= PEOPLE / 2 - 1, { what: "half of them to notice" });
    await until(() => crowd.clients.every(({ socket }) => socket.connected), {
      what: "everybody to be back",
    });
    assert.equal(crowd.lost.has(crowd.busy), false);
    // The others' counts are two seconds old.
    await until(() => {
      const { own, mean } = crowd.a.sockets.balance.stats();
      return mean === PEOPLE / 2 && own - mean <= 1;
    }, { what: "both to see it" });
  },
});

Deno.test({
  name: "O17: behind a balancer that sends them back, sockets are let go once and then no more",
  ignore: !redisAvailable(),
  async fn() {
    await using crowd = await openCrowd(([a = 0]) => [a, a]);
    const told = () => crowd.lines.filter((line) => line.includes("come back here"));
    await until(() => told().length > 0, { what: "the server to see it", limitMs: 60_000 });
    const { handedOver } = crowd.a.sockets.server.stats();
    await until(() => crowd.held()[0] === PEOPLE, { what: "everybody to be back" });
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    assert.equal(crowd.a.sockets.server.stats().handedOver, handedOver);
    assert.equal(told().length, 1);
  },
});
