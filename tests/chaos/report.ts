/** The result for people: a table, which docs/chaos.md holds between its markers. */
import { cpus } from "node:os";
import type { Tally } from "./load.ts";

export interface Result {
  name: string;
  /** From the end of the fault until events went from each server to each; `undefined`: never. */
  recoveredMs: number | undefined;
  /** From an instance's death until nothing of it was left. */
  leftMs: number | undefined;
  /** Chats and emitted texts that were looked for. */
  acknowledged: number;
  /** Of them, gone with a master that died within a second of acknowledging them. */
  excused: number;
  tally: Tally;
  problems: readonly string[];
}

const HEADER = [
  ["fault", "events cross again", "dead instance's traces gone", "acknowledged, all there"],
  ["answers whole", "stopped", "interrupted", "told as failed", "came back", "verdict"],
].flat();

const seconds = (ms: number | undefined) => ms === undefined ? "" : `${(ms / 1_000).toFixed(1)} s`;

export function tableOf(results: readonly Result[]): string {
  const rows = results.map((
    { name, recoveredMs, leftMs, acknowledged, excused, tally, problems },
  ) => [
    name,
    seconds(recoveredMs),
    seconds(leftMs),
    excused === 0 ? `${acknowledged}` : `${acknowledged}, ${excused} not replicated`,
    `${tally.whole}`,
    `${tally.stopped}`,
    tally.lostChars === 0
      ? `${tally.interrupted}`
      : `${tally.interrupted} (${tally.lostChars} chars)`,
    `${tally.failed}`,
    `${tally.reconnects}`,
    problems.length === 0 ? "holds" : `${problems.length} FAILED`,
  ]);
  const cells = [HEADER, HEADER.map(() => "---"), ...rows];
  return cells.map((row) => `| ${row.join(" | ")} |`).join("\n");
}

const BEGIN = "<!-- chaos:begin -->";
const END = "<!-- chaos:end -->";

/** Puts the table between the file's markers. Throws when it has none. */
export async function writeReport(path: string, table: string, seed: number): Promise<void> {
  const text = await Deno.readTextFile(path);
  const [from, to] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (from < 0 || to < from) throw new Error(`Cannot write the report: no markers in ${path}`);
  const [cpu] = cpus();
  const machine = `Deno ${Deno.version.deno}, ${cpus().length} cores (${cpu?.model ?? "unknown"})`;
  const body = `Seed ${seed}; ${machine}; servers, Redis and clients share them.\n\n${table}`;
  await Deno.writeTextFile(path, `${text.slice(0, from)}${BEGIN}\n\n${body}\n\n${text.slice(to)}`);
}
