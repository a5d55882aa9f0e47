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

/** Puts the text between the file's markers of that name. Throws when it has none. */
export async function writeReport(path: string, name: string, body: string): Promise<void> {
  const [begin, end] = [`<!-- ${name}:begin -->`, `<!-- ${name}:end -->`];
  const text = await Deno.readTextFile(path);
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`Cannot write the report: no ${begin} in ${path}`);
  await Deno.writeTextFile(path, `${text.slice(0, from)}${begin}\n\n${body}\n\n${text.slice(to)}`);
}
