/** The result for people: a table, which docs/soak.md holds between its markers. */
import { cpus } from "node:os";
import type { Sample } from "./samples.ts";

const HEADER = [
  "minute",
  "memory",
  "CPU of one core",
  "longest pause",
  "longest answer of /health",
];

const upTo = (ms: number) => ms === Infinity ? "over 5 s" : `up to ${ms} ms`;

/** At most so many rows: those between are folded into the next. */
const ROWS = 20;

export function tableOf(samples: readonly Sample[]): string {
  const perRow = Math.max(1, Math.ceil(samples.length / ROWS));
  const rows: string[][] = [];
  for (let at = 0; at < samples.length; at += perRow) {
    const these = samples.slice(at, at + perRow);
    const last = these.at(-1);
    if (!last) break;
    const most = (of: (sample: Sample) => number) => Math.max(...these.map(of));
    const cpu = these.reduce((sum, sample) => sum + sample.cpu, 0) / these.length;
    rows.push([
      (last.atMs / 60_000).toFixed(1),
      `${Math.round(most(({ rssMiB }) => rssMiB))} MiB`,
      `${Math.round(cpu * 100)} %`,
      upTo(most(({ pauseMs }) => pauseMs)),
      `${Math.round(most(({ answerMs }) => answerMs))} ms`,
    ]);
  }
  return [HEADER, HEADER.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join(
    "\n",
  );
}

/** The machine and the time, without which figures say nothing. */
export function machine(): string {
  const [cpu] = cpus();
  const cores = `${cpus().length} cores (${cpu?.model ?? "unknown"})`;
  return `Deno ${Deno.version.deno}, ${cores}, shared by server, clients and provider`;
}

/** A place in a file, between two comments, that holds the newest report. */
export interface Place {
  write(body: string): Promise<void>;
}

/** Finds the place of that name, before the work of an hour: throws when the file has none. */
export async function placeOf(path: string, name: string): Promise<Place> {
  const [begin, end] = [`<!-- ${name}:begin -->`, `<!-- ${name}:end -->`];
  const read = async () => {
    const text = await Deno.readTextFile(path);
    const [from, to] = [text.indexOf(begin), text.indexOf(end)];
    if (from < 0 || to < from) throw new Error(`Cannot write the report: no ${begin} in ${path}`);
    return { before: text.slice(0, from), after: text.slice(to) };
  };
  await read();
  return {
    async write(body) {
      const { before, after } = await read();
      await Deno.writeTextFile(path, `${before}${begin}\n\n${body}\n\n${after}`);
    },
  };
}
