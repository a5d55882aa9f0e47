/** The value that the share `at` (0 to 1) of the samples stays below, interpolated. */
export function quantile(samples: readonly number[], at: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  const position = (sorted.length - 1) * at;
  const low = sorted[Math.floor(position)];
  const high = sorted[Math.ceil(position)];
  if (low === undefined || high === undefined) return NaN;
  return low + (high - low) * (position - Math.floor(position));
}

export interface Summary {
  median: number;
  /** The middle half of the samples lies between these two. */
  quartiles: [low: number, high: number];
  samples: readonly number[];
}

export function summarize(samples: readonly number[]): Summary {
  return {
    median: quantile(samples, 0.5),
    quartiles: [quantile(samples, 0.25), quantile(samples, 0.75)],
    samples,
  };
}

/** Sample by sample: what shook both in one round shakes the ratio less than the figures. */
export function ratios(samples: readonly number[], against: readonly number[]): number[] {
  return samples.flatMap((sample, round) => {
    const other = against[round];
    return other === undefined ? [] : [sample / other];
  });
}
