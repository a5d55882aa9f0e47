/** A report for people: Markdown that reads well in a terminal too. */
import type { FigureReport, Report, Row, Verdict } from "./report.ts";

const number = (value: number) => value.toFixed(value < 100 ? 1 : 0);
const ratio = (value: number | undefined) => value === undefined ? "–" : value.toFixed(2);

/** @param titles Peer id → title. */
export function renderTable(report: Report, titles: Record<string, string>): string {
  const { machine } = report;
  const versions = Object.entries(machine.versions).map(([name, version]) => `${name} ${version}`);
  return [
    `${report.at}: ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ` +
    `${machine.system}. ${versions.join(", ")}.`,
    ...report.figures.map((figure) => renderFigure(figure, titles)),
  ].join("\n\n") + "\n";
}

function renderFigure(figure: FigureReport, titles: Record<string, string>): string {
  const { unit, rows, missing, verdicts } = figure;
  const what = unit === "µs" ? "CPU µs" : unit;
  const cells = [
    ["server", what, "middle half", "ratio to Node", "target"],
    ...rows.map((row) => renderRow(row, titles, verdicts)),
    ...Object.entries(missing).map((
      [peer, why],
    ) => [titles[peer] ?? peer, "–", "–", "–", why.replaceAll(/\s+/g, " ")]),
  ];
  return [`### ${figure.title}`, "", ...aligned(cells)].join("\n");
}

function renderRow(row: Row, titles: Record<string, string>, verdicts: readonly Verdict[]) {
  const [low, high] = row.quartiles;
  const targets = verdicts.filter(({ peer }) => peer === row.peer).map((verdict) =>
    (verdict.against === undefined
      ? ""
      : `${ratio(verdict.value)} of ${titles[verdict.against] ?? verdict.against}, `) +
    `at most ${verdict.atMost}: ${verdict.met ? "met" : "MISSED"}`
  );
  return [
    titles[row.peer] ?? row.peer,
    number(row.median),
    `${number(low)}–${number(high)}`,
    ratio(row.ratio),
    targets.join("; "),
  ];
}

function aligned(cells: readonly string[][]): string[] {
  const header = cells[0] ?? [];
  const widths = header.map((_, column) =>
    Math.max(...cells.map((line) => (line[column] ?? "").length))
  );
  const line = (values: readonly string[]) =>
    `| ${values.map((value, column) => value.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  return [
    line(header),
    line(widths.map((width) => "-".repeat(width))),
    ...cells.slice(1).map(line),
  ];
}
