const [WIDTH, HEIGHT] = [200, 64];

/** The next round number above: one that an axis can end at. */
export function ceiling(value: number): number {
  if (value <= 1) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= value) ?? 10;
  return step * power;
}

const short = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1, notation: "compact" });
export const shortNumber = (value: number): string => short.format(value);

interface ChartProps {
  title: string;
  unit?: string;
  /** The last of them is the one of now. */
  values: readonly number[];
  /** How long ago the first one was, in milliseconds. */
  spanMs: number;
  note?: string;
}

/** How something went in the last minutes: its value of now, a line, and axes that say how much and when. */
export function Chart({ title, unit, values, spanMs, note }: ChartProps) {
  const top = ceiling(Math.max(...values, 0));
  const step = WIDTH / Math.max(1, values.length - 1);
  const y = (value: number) => HEIGHT * (1 - value / top);
  const points = values.map((value, at) => `${(at * step).toFixed(1)} ${y(value).toFixed(1)}`);
  const line = points.length > 1 ? `M${points.join("L")}` : "";
  const last = values.at(-1) ?? 0;
  const words = [shortNumber(last), unit].filter(Boolean).join(" ");
  const highest = Math.max(...values, 0);
  return (
    <section class="tile">
      <h2>{title}</h2>
      <p class="now">
        {shortNumber(last)} {unit && <small>{unit}</small>}
        {note && <small class="note">{note}</small>}
      </p>
      <div
        class="chart"
        role="img"
        aria-label={`${title}: ${words} now, at most ${shortNumber(highest)} in the last ${
          age(spanMs)
        }`}
      >
        <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
          <path class="grid" d={`M0 0H${WIDTH}M0 ${HEIGHT / 2}H${WIDTH}M0 ${HEIGHT}H${WIDTH}`} />
          {line && <path class="area" d={`${line}L${WIDTH} ${HEIGHT}L0 ${HEIGHT}Z`} />}
          {line && <path class="line" d={line} />}
        </svg>
        <span class="y top" aria-hidden="true">{shortNumber(top)}</span>
        <span class="y" aria-hidden="true">0</span>
        <span class="x" aria-hidden="true">{age(spanMs)} ago</span>
        <span class="x now-mark" aria-hidden="true">now</span>
      </div>
    </section>
  );
}

function age(spanMs: number): string {
  const seconds = Math.round(spanMs / 1000);
  return seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}
