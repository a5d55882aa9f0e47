/** What a run has found, ready to be written as a table or as JSON. */
import { quantile, ratios, summarize, type Summary } from "../measure/statistics.ts";
import { REFERENCE } from "../peers/all.ts";
import type { Figure } from "../sections/section.ts";
import { type Target, TARGETS } from "./targets.ts";

/** What the figures were measured on. */
export interface Machine {
  cpu: string;
  cores: number;
  memoryGiB: number;
  system: string;
  versions: Record<string, string>;
}

export interface Row extends Summary {
  peer: string;
  /** To the reference's figure, round by round, the median; absent when that is missing. */
  ratio: number | undefined;
}

export interface Verdict extends Target {
  /** What was reached: the ratio, or the figure itself. */
  value: number;
  met: boolean;
}

export interface FigureReport extends Pick<Figure, "id" | "title" | "unit"> {
  rows: Row[];
  /** Peer id → why it has no row. */
  missing: Record<string, string>;
  verdicts: Verdict[];
}

export interface Report {
  at: string;
  machine: Machine;
  figures: FigureReport[];
}

function ratioOf(figure: Figure, peer: string, against: string): number | undefined {
  const [mine, theirs] = [figure.samples[peer], figure.samples[against]];
  if (mine === undefined || theirs === undefined) return undefined;
  return quantile(ratios(mine, theirs), 0.5);
}

function reachedOf(figure: Figure, { peer, against }: Target): number | undefined {
  if (against !== undefined) return ratioOf(figure, peer, against);
  const samples = figure.samples[peer];
  return samples && quantile(samples, 0.5);
}

/** @param missing Peer id → why it could not be installed. */
export function reportOf(figure: Figure, missing: Record<string, string>): FigureReport {
  const { id, title, unit, samples, failures } = figure;
  const rows = Object.entries(samples).map(([peer, values]) => ({
    peer,
    ...summarize(values),
    ratio: ratioOf(figure, peer, REFERENCE),
  }));
  const verdicts = TARGETS.filter((target) => target.figure === id).flatMap((target) => {
    const value = reachedOf(figure, target);
    return value === undefined ? [] : [{ ...target, value, met: value <= target.atMost }];
  });
  return { id, title, unit, rows, missing: { ...missing, ...failures }, verdicts };
}
