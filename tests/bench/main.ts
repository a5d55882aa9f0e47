/**
 * Measures this server beside its peers: CPU time of the server's process for a unit of work, on one
 * machine, in interleaved rounds. How to read the figures: `docs/benchmarks.md`.
 */
import { Tokens } from "./load/tokens.ts";
import { parseOptions } from "./options.ts";
import type { Peer } from "./peers/peer.ts";
import { thisMachine } from "./report/machine.ts";
import { type Report, reportOf } from "./report/report.ts";
import { renderTable } from "./report/table.ts";
import type { Contestant } from "./sections/section.ts";

const encoder = new TextEncoder();

function progress(text: string): void {
  Deno.stderr.writeSync(encoder.encode(text + "\n"));
}

/** Those that are there, and why the others are not. */
async function prepareAll(peers: readonly Peer[]) {
  const contestants: Contestant[] = [];
  const missing: Record<string, string> = {};
  for (const peer of peers) {
    progress(`prepare ${peer.id}`);
    try {
      contestants.push({ peer, launch: await peer.prepare() });
    } catch (thrown) {
      missing[peer.id] = `not installed: ${thrown instanceof Error ? thrown.message : thrown}`;
      progress(`${peer.id} ${missing[peer.id]}`);
    }
  }
  return { contestants, missing };
}

async function main(): Promise<void> {
  const options = parseOptions(Deno.args);
  const { contestants, missing } = await prepareAll(options.peers);
  const tokens = await Tokens.sign();
  const report: Report = {
    at: new Date().toISOString().slice(0, 10),
    machine: await thisMachine(),
    figures: [],
  };
  for (const section of options.sections) {
    const takesPart = ({ sections }: Peer) => sections?.includes(section.name) ?? true;
    const figures = await section.run({
      contestants: contestants.filter(({ peer }) => takesPart(peer)),
      tokens,
      progress: (text) => progress(`${section.name}: ${text}`),
    });
    const absent = options.peers.filter((peer) => takesPart(peer) && peer.id in missing);
    const why = Object.fromEntries(absent.map(({ id }) => [id, missing[id] ?? ""]));
    report.figures.push(...figures.map((figure) => reportOf(figure, why)));
  }
  const titles = Object.fromEntries(options.peers.map(({ id, title }) => [id, title]));
  const text = options.json ? JSON.stringify(report, null, 2) + "\n" : renderTable(report, titles);
  await Deno.stdout.write(encoder.encode(text));
}

if (import.meta.main) await main();
