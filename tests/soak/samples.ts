/** What the server's process takes, and how long it made others wait. */
import { pause } from "../../lib/common/pause.ts";
import type { World } from "./world.ts";

/** How often a stranger asks for `/health`. */
const PROBE_EVERY_MS = 100;

export interface Sample {
  /** Since the load began, in milliseconds. */
  atMs: number;
  /** Resident memory of the process. */
  rssMiB: number;
  /** CPU time since the last sample, as a part of one core. */
  cpu: number;
  /** The end of the range in which the event loop's longest pause since the last sample lies. */
  pauseMs: number;
  /** The longest answer of `/health` since the last sample, as the load's own process saw it. */
  answerMs: number;
}

interface Reading {
  cpuMs: number;
  lag: Map<number, number>;
}

/** A file of `/proc`, which Deno itself reads only with all permissions (2.9.6). */
async function readProc(pid: number, name: string): Promise<string> {
  const { stdout } = await new Deno.Command("cat", { args: [`/proc/${pid}/${name}`] }).output();
  return new TextDecoder().decode(stdout);
}

/** Linux counts CPU time in hundredths of a second. */
async function cpuMsOf(pid: number): Promise<number> {
  const fields = (await readProc(pid, "stat")).split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

export async function rssMiBOf(pid: number): Promise<number> {
  const [, kib] = /VmRSS:\s+(\d+)/.exec(await readProc(pid, "status")) ?? [];
  return Number(kib) / 1_024;
}

/** Of each range of the histogram how many pauses lie in it or below, by its end in milliseconds. */
export function lagIn(metrics: string): Map<number, number> {
  const lines = metrics.matchAll(/^rt_event_loop_lag_seconds_bucket\{le="([^"]+)"\} (\d+)$/gm);
  return new Map([...lines].map(([, end, count]) => [
    end === "+Inf" ? Infinity : Number(end) * 1_000,
    Number(count),
  ]));
}

/** The end of the highest range into which a pause has fallen between two readings. */
export function longestPause(before: Map<number, number>, after: Map<number, number>): number {
  const ends = [...after.keys()].sort((a, b) => a - b);
  const added = (end: number) => (after.get(end) ?? 0) - (before.get(end) ?? 0);
  const all = added(Infinity);
  return ends.find((end) => added(end) >= all) ?? 0;
}

/** Samples until the signal is aborted. */
export async function* sample(
  world: World,
  everyMs: number,
  signal: AbortSignal,
): AsyncGenerator<Sample> {
  const { pid, url } = world.server();
  const began = performance.now();
  let answerMs = 0;
  const probing = (async () => {
    while (!signal.aborted) {
      const asked = performance.now();
      await (await fetch(`${url}/health`)).arrayBuffer();
      answerMs = Math.max(answerMs, performance.now() - asked);
      await pause(PROBE_EVERY_MS, signal);
    }
  })();
  const read = async (): Promise<Reading> => ({
    cpuMs: await cpuMsOf(pid),
    lag: lagIn(await world.metrics()),
  });
  let last = await read();
  let lastAt = performance.now();
  while (!signal.aborted) {
    await pause(everyMs, signal);
    const [now, rssMiB] = [await read(), await rssMiBOf(pid)];
    const at = performance.now();
    yield {
      atMs: at - began,
      rssMiB,
      cpu: (now.cpuMs - last.cpuMs) / (at - lastAt),
      pauseMs: longestPause(last.lag, now.lag),
      answerMs,
    };
    [last, lastAt, answerMs] = [now, at, 0];
  }
  await probing;
}
