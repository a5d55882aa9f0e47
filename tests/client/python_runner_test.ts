import assert from "node:assert/strict";
import {
  type PythonAnswer,
  PythonRunner,
  type PythonWorker,
} from "../../lib/client/python_runner.ts";
import { STDIN } from "../../lib/client/python_stdin.ts";

/** A worker that answers at once, except to code that never ends. */
class StandInWorker implements PythonWorker {
  onmessage: PythonWorker["onmessage"] = null;
  onerror: PythonWorker["onerror"] = null;
  isEnded = false;
  constructor(ready: PythonAnswer = { ready: true }) {
    queueMicrotask(() => this.#say(ready));
  }
  postMessage({ code }: { code: string }): void {
    if (code === "while True: pass") return;
    queueMicrotask(() => this.#say({ stdout: code, stderr: "", result: null, files: [] }));
  }
  terminate(): void {
    this.isEnded = true;
  }
  #say(data: PythonAnswer): void {
    this.onmessage?.(new MessageEvent("message", { data }));
  }
}

function runner(limitMs: number) {
  const workers: StandInWorker[] = [];
  const start = () => {
    const worker = new StandInWorker();
    workers.push(worker);
    return worker;
  };
  return { workers, python: new PythonRunner({ start, limitMs }) };
}

Deno.test("one worker runs one piece after the other", async () => {
  const { workers, python } = runner(1_000);
  using _python = python;
  const results = await Promise.all(["a", "b", "c"].map((code) => python.run(code)));
  assert.deepEqual(results.map(({ stdout }) => stdout), ["a", "b", "c"]);
  assert.equal(workers.length, 1);
});

Deno.test("code that runs over is ended with its worker, and the next gets a fresh one", async () => {
  const { workers, python } = runner(30);
  using _python = python;
  await assert.rejects(python.run("while True: pass"), /ran over 0.03 s/);
  assert.ok(workers[0]?.isEnded);
  assert.equal((await python.run("after")).stdout, "after");
  assert.equal(workers.length, 2);
});

Deno.test("what waits is bounded, and an end ends all", async () => {
  const { python } = runner(60_000);
  const runs = Array.from({ length: 9 }, () => python.run("while True: pass"));
  const ends = runs.map((run) => run.then(() => "done", (error) => error.code));
  assert.equal(await ends[8], "rate_limited");
  python[Symbol.dispose]();
  assert.ok((await Promise.all(ends)).slice(0, 8).every((code) => code === "unavailable"));
});

Deno.test("time in which a person thinks does not count, and a stop takes the question back", async () => {
  const stdin = new SharedArrayBuffer(STDIN.size);
  const asked = Promise.withResolvers<AbortSignal>();
  let isAnswered = true;
  using python = new PythonRunner({
    limitMs: 200,
    start: () => {
      const worker = new StandInWorker({ ready: true, stdin });
      const say = (data: PythonAnswer) => worker.onmessage?.(new MessageEvent("message", { data }));
      worker.postMessage = async () => {
        say({ asks: "Name: " });
        const state = new Int32Array(stdin, 0, 2);
        Atomics.store(state, 0, STDIN.waiting);
        const { value } = Atomics.waitAsync(state, 0, STDIN.waiting);
        await value;
        const line = new TextDecoder().decode(new Uint8Array(stdin, 8, state[1]).slice());
        say({ stdout: line, stderr: "", result: null, files: [] });
      };
      return worker;
    },
    input({ prompt, signal }) {
      if (!isAnswered) asked.resolve(signal);
      if (!isAnswered) return new Promise(() => {});
      return new Promise((resolve) => setTimeout(() => resolve(`to ${prompt}é`), 400));
    },
  });
  assert.equal((await python.run("input('Name: ')")).stdout, "to Name: é");
  isAnswered = false;
  const stop = new AbortController();
  const running = python.run("input('Name: ')", { signal: stop.signal });
  const signal = await asked.promise;
  stop.abort();
  await assert.rejects(running, /stopped/);
  assert.ok(signal.aborted);
});
