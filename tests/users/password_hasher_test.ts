import assert from "node:assert/strict";
import { type HashCost, PasswordHasher } from "../../lib/users/password_hasher.ts";

const cheap: HashCost = { logN: 4, r: 8, p: 1 };

Deno.test("a password is known by its hash, which says what it cost", async () => {
  const hasher = new PasswordHasher({ cost: cheap });
  const hash = await hasher.hash("pässword");
  assert.match(hash, /^\$scrypt\$ln=4,r=8,p=1\$/);
  assert.notEqual(hash, await hasher.hash("pässword"));
  assert.equal(await hasher.verify("pässword", hash), true);
  assert.equal(await hasher.verify("pa\u0308ssword", hash), true);
  assert.equal(await hasher.verify("password", hash), false);
});

Deno.test("the default cost holds, and is not below OWASP's advice", async () => {
  const hasher = new PasswordHasher();
  const hash = await hasher.hash("x");
  assert.match(hash, /^\$scrypt\$ln=15,r=8,p=3\$/);
  assert.equal(await hasher.verify("x", hash), true);
});

Deno.test("a hash of another cost still counts, and is said to be outdated", async () => {
  const old = await new PasswordHasher({ cost: cheap }).hash("x");
  const hasher = new PasswordHasher({ cost: { ...cheap, logN: 5 } });
  assert.equal(await hasher.verify("x", old), true);
  assert.equal(hasher.isOutdated(old), true);
  assert.equal(hasher.isOutdated(await hasher.hash("x")), false);
});

Deno.test("for nobody, and for a hash that can't be read, the work is the same and the answer no", async () => {
  const costs: HashCost[] = [];
  const hasher = new PasswordHasher({
    cost: cheap,
    derive: (_password, _salt, cost) => {
      costs.push(cost);
      return Promise.resolve(new Uint8Array(32));
    },
  });
  const hash = await hasher.hash("x");
  assert.equal(await hasher.verify("x", hash), true);
  for (const stored of [undefined, "", "$2b$12$bcrypt", "$scrypt$ln=4,r=8,p=1$a$"]) {
    assert.equal(await hasher.verify("x", stored), false);
  }
  assert.deepEqual(costs, Array(6).fill(cheap));
});

Deno.test("two at once, some wait, more are turned away", async () => {
  let running = 0;
  let most = 0;
  const gate = Promise.withResolvers<void>();
  const hasher = new PasswordHasher({
    cost: cheap,
    maxWaiting: 3,
    derive: async () => {
      most = Math.max(most, ++running);
      await gate.promise;
      running--;
      return new Uint8Array(32);
    },
  });
  const taken = Array.from({ length: 5 }, () => hasher.hash("x"));
  await assert.rejects(hasher.hash("x"), { code: "unavailable" });
  gate.resolve();
  await Promise.all(taken);
  assert.equal(most, 2);
  await hasher.hash("x");
});

Deno.test("X8: whoever floods the hasher waits behind themselves; others and the known come in their turn", async () => {
  const order: string[] = [];
  const gates: (() => void)[] = [];
  const hasher = new PasswordHasher({
    cost: cheap,
    maxWaiting: 20,
    derive: async (password) => {
      order.push(password);
      await new Promise<void>((resolve) => gates.push(resolve));
      return new Uint8Array(32);
    },
  });
  const flood = Array.from(
    { length: 40 },
    (_, n) => hasher.hash(`flood ${n}`, { lane: "6.6.6.6" }),
  );
  const refused = flood.map((hash) => hash.then(() => false, () => true));
  const others = ["a", "b"].map((lane) => hasher.hash(`of ${lane}`, { lane }));
  const known = hasher.hash("known", { lane: "ada", isKnown: true });
  for (let turns = 0; turns < 5; turns++) {
    while (gates.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    gates.shift()?.();
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  assert.deepEqual(order.slice(0, 3), ["flood 0", "flood 1", "known"]);
  assert.ok(order.slice(0, 7).includes("of a") && order.slice(0, 7).includes("of b"), order.join());
  const ending = Promise.all([...refused, ...others, known]);
  let isOver = false;
  void ending.then(() => isOver = true);
  while (!isOver) {
    gates.shift()?.();
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  assert.ok((await Promise.all(refused)).filter((isRefused) => isRefused).length >= 20);
});

Deno.test("X8: when all places are taken, the longest line gives one up for a newcomer", async () => {
  const gates: (() => void)[] = [];
  const hasher = new PasswordHasher({
    cost: cheap,
    maxWaiting: 4,
    derive: async () => {
      await new Promise<void>((resolve) => gates.push(resolve));
      return new Uint8Array(32);
    },
  });
  const flood = Array.from({ length: 6 }, () => hasher.hash("x", { lane: "flood" }));
  const last = assert.rejects(flood[5] ?? Promise.resolve(), { code: "unavailable" });
  const newcomer = hasher.hash("y", { lane: "newcomer" });
  await last;
  let isOver = false;
  void Promise.all([newcomer, ...flood.slice(0, 5)]).then(() => isOver = true);
  while (!isOver) {
    gates.shift()?.();
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
});
