import assert from "node:assert/strict";
import fc from "fast-check";
import { silentLogger as logger } from "../../lib/common/logger.ts";
import { TaskRegistry } from "../../lib/tasks/task_registry.ts";
import { taskSweepJob } from "../../lib/tasks/task_sweep.ts";
import { FaultyStore } from "../sessions/faulty_store.ts";
import { until } from "../support/until.ts";

const untilAborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));

const me = { userId: "u1", admin: false };
const subject = { itemId: "c1", userId: "u1", kind: "completion" };

function two(faulty: FaultyStore) {
  const make = (instanceId: string) => {
    const registry = new TaskRegistry({ store: faulty.store, instanceId, logger, pollMs: 20 });
    registry.start();
    return registry;
  };
  return [make("a"), make("b")] as const;
}

function rest(faulty: FaultyStore): number {
  return [...faulty.maps.values(), ...faulty.sets.values()].reduce((n, { size }) => n + size, 0);
}

Deno.test("T1: a stop from another instance ends the task, heard or not, and leaves nothing", async () => {
  for (const deaf of [false, true]) {
    const faulty = new FaultyStore();
    const [a, b] = two(faulty);
    await using _a = a;
    await using _b = b;
    const id = await a.run(subject, untilAborted);
    assert.deepEqual(await b.list(me), [id]);
    assert.equal((await b.stop(id, { userId: "u2", admin: false })).status, false);
    faulty.deaf = deaf;
    await faulty.publish(["tasks", "commands"], "no JSON");
    assert.deepEqual(await b.stop(id, me), { status: true, message: `Task ${id} stop requested` });
    await until(() => a.size === 0);
    assert.equal((await b.stop(id, me)).status, false);
    assert.equal(rest(faulty), 0);
  }
});

Deno.test("T3: an item's tasks all stop, also when one ends by itself; other kinds go on", async () => {
  const faulty = new FaultyStore();
  const [a, b] = two(faulty);
  await using _a = a;
  await using _b = b;
  const middle = Promise.withResolvers<void>();
  await a.run(subject, untilAborted);
  await a.run(subject, () => middle.promise);
  await b.run(subject, untilAborted);
  const save = await a.run({ ...subject, kind: "save" }, untilAborted);
  assert.equal((await b.listItem("c1", me)).length, 3);
  middle.resolve();
  assert.equal((await b.stopItem("c1", me)).status, true);
  await until(() => a.size === 1 && b.size === 0);
  assert.deepEqual(await b.list(me), [save]);
  assert.equal((await b.stopItem("c1", me)).status, false);
});

Deno.test("records that an outage left are taken away after it; a dead instance's by the sweep", async () => {
  const faulty = new FaultyStore();
  const [a, b] = two(faulty);
  await using _a = a;
  await using _b = b;
  const end = Promise.withResolvers<void>();
  await a.run(subject, () => end.promise);
  faulty.down = true;
  end.resolve();
  await until(() => a.size === 0);
  assert.ok(rest(faulty) > 0);
  faulty.down = false;
  await until(() => rest(faulty) === 0);
  await a.run(subject, untilAborted);
  const { signal } = new AbortController();
  await taskSweepJob({ store: faulty.store })
    .sweep({ signal, deadAmong: () => Promise.resolve(new Set(["a"])) });
  assert.equal(rest(faulty), 0);
});

Deno.test("a user has a bounded number of tasks; a failing one is logged; drain ends all", async () => {
  const faulty = new FaultyStore();
  const registry = new TaskRegistry({
    store: faulty.store,
    instanceId: "a",
    logger,
    maxTasksPerUser: 2,
  });
  await registry.run(subject, () => Promise.reject(new Error("broken")));
  await until(() => registry.size === 0);
  await registry.run(subject, untilAborted);
  await registry.run(subject, untilAborted);
  await assert.rejects(registry.run(subject, untilAborted), { code: "rate_limited" });
  assert.ok(await registry.drain({ timeoutMs: 1_000 }));
  await assert.rejects(registry.run(subject, untilAborted), { code: "unavailable" });
  assert.equal(rest(faulty), 0);
});

Deno.test("runs, stops and lists at once, in any order, leave no task and no record", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.constantFrom("run", "short", "stop", "stopItem"), fc.nat(1)), {
        maxLength: 40,
      }),
      async (steps) => {
        const faulty = new FaultyStore();
        const [a, b] = two(faulty);
        await using _a = a;
        await using _b = b;
        const ids: string[] = [];
        await Promise.all(steps.map(async ([step, at]) => {
          const registry = at === 0 ? a : b;
          if (step === "run") ids.push(await registry.run(subject, untilAborted));
          else if (step === "short") ids.push(await registry.run(subject, () => Promise.resolve()));
          else if (step === "stop") await registry.stop(ids.at(-1) ?? "none", me);
          else await registry.stopItem("c1", me);
          const listed = await registry.list(me);
          assert.equal(new Set(listed).size, listed.length);
        }));
        await a.stopItem("c1", me);
        await until(() => a.size === 0 && b.size === 0, { limitMs: 2_000, what: "all to end" });
        await taskSweepJob({ store: faulty.store }).sweep({
          signal: new AbortController().signal,
          deadAmong: () => Promise.resolve(new Set()),
        });
        assert.equal(rest(faulty), 0);
      },
    ),
    { numRuns: 30 },
  );
});
