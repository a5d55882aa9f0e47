import assert from "node:assert/strict";
import fc from "fast-check";
import { silentLogger as logger } from "../../lib/common/logger.ts";
import { aborted, pause } from "../../lib/common/pause.ts";
import { keys } from "../../lib/state/key_space.ts";
import { TaskRegistry } from "../../lib/tasks/task_registry.ts";
import { taskSweepJob } from "../../lib/tasks/task_sweep.ts";
import { hubOf, onBus } from "../support/faulty_bus.ts";
import { FaultyStore } from "../support/faulty_store.ts";
import { seedOf } from "../support/say.ts";
import { until } from "../support/until.ts";
import { countRecords, me, startInstance, subject } from "./fixture.ts";

const two = ({ store }: FaultyStore) =>
  [startInstance(store, "a"), startInstance(store, "b")] as const;

const rest = (faulty: FaultyStore) => countRecords(faulty.real);

Deno.test("T1: a stop from another instance ends the task, heard or not, and leaves nothing", async () => {
  for (const deaf of [false, true]) {
    await using faulty = await FaultyStore.open();
    const [a, b] = two(faulty);
    await using _a = a;
    await using _b = b;
    const id = await a.run(subject, aborted);
    assert.deepEqual(await b.list(me), [id]);
    assert.equal((await b.stop(id, { userId: "u2", admin: false })).status, false);
    const hub = hubOf(faulty.store);
    await onBus(hub.connect()).commands.publish("no JSON");
    hub.isCut = deaf;
    assert.deepEqual(await b.stop(id, me), { status: true, message: `Task ${id} stop requested` });
    await until(() => a.size === 0);
    assert.equal((await b.stop(id, me)).status, false);
    assert.equal(await rest(faulty), 0);
  }
});

Deno.test("T3: an item's tasks all stop, also when one ends by itself; other kinds go on", async () => {
  await using faulty = await FaultyStore.open();
  const [a, b] = two(faulty);
  await using _a = a;
  await using _b = b;
  const middle = Promise.withResolvers<void>();
  await a.run(subject, aborted);
  await a.run(subject, () => middle.promise);
  await b.run(subject, aborted);
  const save = await a.run({ ...subject, kind: "save" }, aborted);
  assert.equal((await b.listItem("c1", me)).length, 3);
  middle.resolve();
  assert.equal((await b.stopItem("c1", me)).status, true);
  await until(() => a.size === 1 && b.size === 0);
  assert.deepEqual(await b.list(me), [save]);
  assert.equal((await b.stopItem("c1", me)).status, false);
});

Deno.test("a task that ends while it gives a sign of life leaves none", async () => {
  await using faulty = await FaultyStore.open();
  const open = Promise.withResolvers<void>();
  let signs = 0;
  // The first is written with the task; those that come later wait.
  const values = new Proxy(faulty.store.values, {
    get: (of, name) =>
      name !== "set" ? Reflect.get(of, name) : async (...args: Parameters<typeof of.set>) => {
        if (++signs > 1) await open.promise;
        await of.set(...args);
      },
  });
  const store = new Proxy(faulty.store, {
    get: (of, name) => name === "values" ? values : Reflect.get(of, name),
  });
  await using a = startInstance(store, "a");
  const end = Promise.withResolvers<void>();
  const begun = a.run(subject, () => end.promise);
  await until(() => signs > 1, { what: "a sign of life" });
  end.resolve();
  await pause(100);
  open.resolve();
  const life = keys.taskLife(await begun);
  await until(() => a.size === 0, { what: "the end" });
  await pause(20);
  assert.equal(await faulty.real.values.get(life), undefined);
});

Deno.test("records that an outage left are taken away after it; a dead instance's by the sweep", async () => {
  await using faulty = await FaultyStore.open();
  const [a, b] = two(faulty);
  await using _a = a;
  await using _b = b;
  const end = Promise.withResolvers<void>();
  await a.run(subject, () => end.promise);
  faulty.down = true;
  end.resolve();
  await until(() => a.size === 0);
  assert.ok(await rest(faulty) > 0);
  faulty.down = false;
  await until(async () => await rest(faulty) === 0);
  // One that lives would write again what the sweep takes away.
  await using dead = startInstance(faulty.store, "dead", { pollMs: 3_600_000 });
  await dead.run(subject, aborted);
  const { signal } = new AbortController();
  await taskSweepJob({ store: faulty.store })
    .sweep({ signal, deadAmong: () => Promise.resolve(new Set(["dead"])) });
  assert.equal(await rest(faulty), 0);
});

Deno.test("a user has a bounded number of tasks; a failing one is logged; drain ends all", async () => {
  await using faulty = await FaultyStore.open();
  await using registry = new TaskRegistry({
    store: faulty.store,
    commands: onBus(hubOf(faulty.store).connect()).commands,
    instanceId: "a",
    logger,
    maxTasksPerUser: 2,
  });
  await registry.run(subject, () => Promise.reject(new Error("broken")));
  await until(() => registry.size === 0);
  await registry.run(subject, aborted);
  await registry.run(subject, aborted);
  await assert.rejects(registry.run(subject, aborted), { code: "rate_limited" });
  assert.ok(await registry.drain({ timeoutMs: 30_000 }));
  await assert.rejects(registry.run(subject, aborted), { code: "unavailable" });
  assert.equal(await rest(faulty), 0);
});

Deno.test("runs, stops and lists at once, in any order, leave no task and no record", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.constantFrom("run", "short", "stop", "stopItem"), fc.nat(1)), {
        maxLength: 40,
      }),
      async (steps) => {
        await using faulty = await FaultyStore.open();
        const [a, b] = two(faulty);
        await using _a = a;
        await using _b = b;
        const ids: string[] = [];
        await Promise.all(steps.map(async ([step, at]) => {
          const registry = at === 0 ? a : b;
          if (step === "run") ids.push(await registry.run(subject, aborted));
          else if (step === "short") ids.push(await registry.run(subject, () => Promise.resolve()));
          else if (step === "stop") await registry.stop(ids.at(-1) ?? "none", me);
          else await registry.stopItem("c1", me);
          const listed = await registry.list(me);
          assert.equal(new Set(listed).size, listed.length);
        }));
        await a.stopItem("c1", me);
        await until(() => a.size === 0 && b.size === 0, { what: "all to end" });
        await taskSweepJob({ store: faulty.store }).sweep({
          signal: new AbortController().signal,
          deadAmong: () => Promise.resolve(new Set()),
        });
        assert.equal(await rest(faulty), 0);
      },
    ),
    { numRuns: 30, seed: seedOf("any order") },
  );
});
