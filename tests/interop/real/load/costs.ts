/** What each side spends: CPU and memory of its processes, and how late something comes. */
import type { World } from "../world.ts";

export interface Figure {
  what: string;
  value: string;
}

/** Told of each figure as soon as it is there. */
export type Tell = (...figures: Figure[]) => void;

/** Of Linux, for `/proc/{pid}/stat`. */
const TICKS_PER_SECOND = 100;

/** CPU time of the processes so far, in milliseconds. */
async function cpuMs(pids: readonly number[]): Promise<number> {
  let ticks = 0;
  for (const pid of pids) {
    const stat = await Deno.readTextFile(`/proc/${pid}/stat`);
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks * 1_000 / TICKS_PER_SECOND;
}

type Side = "Python" | "ours";

/** The processes of the sides that are there: Python, and ours unless it is alone. */
export function sidesOf({ python, ours }: World): [side: Side, pids: number[]][] {
  const all: [Side, { pid: number }[]][] = [["Python", [...python]], ["ours", [...ours]]];
  return all.filter(([, processes]) => processes.length > 0)
    .map(([side, processes]) => [side, processes.map(({ pid }) => pid)]);
}

/** CPU time that each side spends while the work lasts, in milliseconds. */
export async function spentBy(
  world: World,
  work: () => Promise<unknown>,
): Promise<[side: Side, cpuMs: number][]> {
  const sides = sidesOf(world);
  const read = () => Promise.all(sides.map(([, pids]) => cpuMs(pids)));
  const before = await read();
  await work();
  const after = await read();
  return sides.map(([side], at) => [side, (after[at] ?? 0) - (before[at] ?? 0)]);
}

export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? NaN;
}

/** `p50 / p95 / longest` of times in milliseconds. */
export const latenessOf = (values: readonly number[]) =>
  [0.5, 0.95, 1].map((q) => quantile(values, q).toFixed(1)).join(" / ") + " ms";

/** Resident memory of the largest process of each side. */
export async function memoryOf(world: World): Promise<Figure[]> {
  const rssMb = async (pid: number) => {
    const status = await Deno.readTextFile(`/proc/${pid}/status`);
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1_024;
  };
  return await Promise.all(
    sidesOf(world).map(async ([side, pids]) => ({
      what: `memory of a process of ${side}`,
      value: `${Math.round(Math.max(...await Promise.all(pids.map(rssMb))))} MB`,
    })),
  );
}
