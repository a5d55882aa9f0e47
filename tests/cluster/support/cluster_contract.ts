import assert from "node:assert/strict";
import { AppError } from "../../../lib/common/errors.ts";
import { until } from "../../support/until.ts";
import { HEARTBEAT_MS, type OpenBus, startInstance, startInstances, take2 } from "./instances.ts";

export interface BusUnderTest extends AsyncDisposable {
  openBus: OpenBus;
}

/** What must work from any instance to any other, over every bus. */
export function runClusterContract(
  name: string,
  setUp: () => Promise<BusUnderTest>,
  { ignore = false } = {},
): void {
  const test = (what: string, fn: (openBus: OpenBus) => Promise<void>) =>
    Deno.test({
      name: `${name}: ${what}`,
      ignore,
      async fn() {
        await using under = await setUp();
        await fn(under.openBus);
      },
    });

  test("rooms, several rooms, everybody, except, from either side", async (openBus) => {
    await using instances = await startInstances(openBus, 2);
    const [a, b] = take2(instances);
    const [x, y, z] = await Promise.all([a.join("r"), b.join("r"), b.join("r", "quiet")]);
    a.io.to("r").emit("said", 1);
    b.io.to("r").except("quiet").emit("said", 2);
    a.io.to("r").except(y.sid).emit("said", 3);
    a.io.to(["r", "quiet"]).emit("said", 4);
    b.io.emit("said", 5);
    a.io.to(z.sid).emit("said", 6);
    await until(() => x.heard.length === 5 && y.heard.length === 4 && z.heard.length === 5);
    assert.deepEqual(x.heard.toSorted(), [1, 2, 3, 4, 5]);
    assert.deepEqual(y.heard.toSorted(), [1, 2, 4, 5]);
    assert.deepEqual(z.heard.toSorted(), [1, 3, 4, 5, 6]);
  });

  test("one room's events arrive in order, each once", async (openBus) => {
    await using instances = await startInstances(openBus, 2);
    const [a, b] = take2(instances);
    const y = await b.join("r");
    for (let n = 0; n < 2_000; n++) a.io.to("r").emit("said", n);
    await until(() => y.heard.length >= 2_000, { what: "all events" });
    assert.deepEqual(y.heard, Array.from({ length: 2_000 }, (_, n) => n));
  });

  test("what is emitted elsewhere after a join is heard", async (openBus) => {
    await using instances = await startInstances(openBus, 2);
    const [a, b] = take2(instances);
    const y = await b.join();
    for (let n = 0; n < 30; n++) {
      await y.socket.join(`room${n}`);
      a.io.to(`room${n}`).emit("said", n);
    }
    await until(() => y.heard.length === 30, { what: "one event a room" });
  });

  test("binary arrives as binary", async (openBus) => {
    await using instances = await startInstances(openBus, 2);
    const [a, b] = take2(instances);
    const y = await b.join("r");
    const sent = { bytes: Uint8Array.of(0, 255, 7), fake: { type: "Buffer", data: [1] } };
    a.io.to("r").emit("said", sent);
    await until(() => y.heard.length === 1);
    const [heard] = y.heard as [typeof sent];
    assert.deepEqual(new Uint8Array(heard.bytes), sent.bytes);
    assert.deepEqual(heard.fake, sent.fake);
  });

  test("an ack comes from afar, and its want is told", async (openBus) => {
    await using instances = await startInstances(openBus, 3);
    const [a, b] = take2(instances);
    const y = await b.join("r");
    assert.deepEqual(await a.io.to(y.sid).timeout(30_000).emitWithAck("asked", "x"), [
      { from: y.sid, what: "x" },
    ]);
    y.client.off("asked");
    await assert.rejects(a.io.to(y.sid).timeout(200).emitWithAck("asked", "x"));
  });

  test("who is in a room: of all instances, without secrets", async (openBus) => {
    await using instances = await startInstances(openBus, 3);
    const members = await Promise.all(instances.map((instance) => instance.join("r")));
    for (const [i, { socket }] of members.entries()) socket.data = { user: `u${i % 2}` };
    const [a] = take2(instances);
    const sockets = await a.io.in("r").fetchSockets();
    const far = sockets.filter(({ id }) => id !== members[0]?.sid);
    assert.equal(far.length, 2);
    assert.ok(!JSON.stringify(far.map(({ handshake }) => handshake)).includes("secret"));
    assert.deepEqual(new Set(far[0]?.rooms), new Set([far[0]?.id, "r"]));
    assert.deepEqual(
      sockets.map(({ id }) => id).toSorted(),
      members.map(({ sid }) => sid).toSorted(),
    );
    const users = new Set(sockets.map(({ data }) => (data as { user?: string }).user));
    assert.deepEqual([...users].toSorted(), ["u0", "u1"]);
  });

  test("an instance that is silent makes the answer an error, not a part", async (openBus) => {
    await using instances = await startInstances(openBus, 2);
    const [a, b] = take2(instances);
    await b.join("r");
    const onMessage = b.io.of("/").adapter as unknown as { onMessage: () => void };
    onMessage.onMessage = () => {};
    await assert.rejects(
      a.io.in("r").timeout(300).fetchSockets(),
      (error) => error instanceof AppError && error.code === "timeout",
    );
  });

  test("joins, leaves and disconnects from afar; nothing after a join is missed", async (openBus) => {
    await using instances = await startInstances(openBus, 2);
    const [a, b] = take2(instances);
    const y = await b.join("r");
    for (let n = 0; n < 20; n++) {
      a.io.in(y.sid).socketsJoin(`new${n}`);
      a.io.to(`new${n}`).emit("said", n);
    }
    await until(() => y.heard.length === 20, { what: "what followed the joins" });
    a.io.in("r").socketsLeave("new1");
    await until(() => !y.socket.rooms.has("new1"), { what: "the leave" });
    a.io.in("r").disconnectSockets(true);
    await until(() => y.client.disconnected, { what: "the disconnect" });
  });

  test("data that can't be shown makes the answer an error, and harms nothing", async (openBus) => {
    await using instances = await startInstances(openBus, 2, {
      visibleData() {
        throw new Error("broken");
      },
    });
    const [a, b] = take2(instances);
    const y = await b.join("r");
    await assert.rejects(a.io.in("r").timeout(200).fetchSockets(), { code: "timeout" });
    a.io.to("r").emit("said", 1);
    await until(() => y.heard.length === 1);
  });

  test("instances ask each other", async (openBus) => {
    await using instances = await startInstances(openBus, 3);
    const [a] = take2(instances);
    for (const [i, { io }] of instances.entries()) {
      io.on("how are you", (what: string, answer: (text: string) => void) => answer(what + i));
    }
    const answers = await a.io.serverSideEmitWithAck("how are you", "x");
    assert.deepEqual(answers.toSorted(), ["x1", "x2"]);
  });

  test("who comes later is met, who goes is forgotten", async (openBus) => {
    await using a = await startInstance(openBus);
    {
      await using b = await startInstance(openBus);
      await until(async () => (await a.cluster.stats()).instances === 2);
      await until(async () => (await b.cluster.stats()).instances === 2);
    }
    await until(async () => (await a.cluster.stats()).instances === 1);
  });

  test("T5: an event of 33 MB arrives, smaller ones pass it, all stay connected", async (openBus) => {
    await using instances = await startInstances(openBus, 2);
    const [a, b] = take2(instances);
    const [y, z] = await Promise.all([b.join("large"), b.join("small")]);
    const large = "x".repeat(33 * 1024 * 1024);
    let hasPassed = false;
    z.client.once("said", () => hasPassed = y.heard.length === 0);
    a.io.to("large").emit("said", large);
    a.io.to("small").emit("said", "small");
    await until(() => y.heard.length === 1, { limitMs: 30_000, what: "the large event" });
    assert.ok(y.heard[0] === large);
    assert.ok(hasPassed, "the small one waited for the large one");
    const stats = await b.cluster.stats();
    assert.deepEqual([stats.gaps, stats.droppedUnfinished, stats.unfinished], [0, 0, 0]);
    assert.ok(stats.receivedParts > 60);
    assert.ok(y.client.connected && z.client.connected);
  });

  test("one instance asks another: answers, refusals, time-outs, cancelling", async (openBus) => {
    await using instances = await startInstances(openBus, 3);
    const [a, b] = take2(instances);
    const third = instances[2];
    const [asker, server] = [a.cluster.instances, b.cluster.instances];
    const ended: boolean[] = [];
    server.handle("echo", (payload) => payload as string);
    server.handle("refuse", () => {
      throw new AppError("forbidden", "No.");
    });
    server.handle("broken", () => {
      throw new Error("a secret");
    });
    server.handle(
      "slow",
      (_payload, { signal }) =>
        new Promise((resolve) =>
          signal.addEventListener("abort", () => {
            ended.push(true);
            resolve(null);
          })
        ),
    );
    const before = (await third?.cluster.stats())?.receivedMessages ?? 0;
    const beganMs = performance.now();
    const large = "é".repeat(3 * 1024 * 1024);
    assert.equal(await asker.request(server.id, "echo", large), large);
    const rejects = (work: Promise<unknown>, code: string) =>
      assert.rejects(
        work,
        (error) =>
          error instanceof AppError && error.code === code && !error.message.includes("secret"),
      );
    await rejects(asker.request(server.id, "refuse", null), "forbidden");
    await rejects(asker.request(server.id, "broken", null), "internal");
    await rejects(asker.request(server.id, "unknown", null), "not_found");
    await rejects(asker.request("nobody", "echo", null, { timeoutMs: 100 }), "timeout");
    await rejects(asker.request(server.id, "slow", null, { timeoutMs: 100 }), "timeout");
    await assert.rejects(
      asker.request(server.id, "slow", null, { signal: AbortSignal.timeout(100) }),
      { name: "TimeoutError" },
    );
    await until(() => ended.length === 2, { what: "the work to be cancelled" });
    const stats = await third?.cluster.stats();
    // Heartbeats only, of two others.
    const beats = 2 * Math.ceil((performance.now() - beganMs) / HEARTBEAT_MS + 1);
    assert.ok((stats?.receivedMessages ?? 0) - before <= beats);
    assert.equal(stats?.receivedParts, 0);
  });
}
