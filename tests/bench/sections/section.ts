import type { Tokens } from "../load/tokens.ts";
import type { Launch, Peer } from "../peers/peer.ts";

/** A peer that is installed. */
export interface Contestant {
  peer: Peer;
  launch: Launch;
}

export interface BenchContext {
  contestants: readonly Contestant[];
  tokens: Tokens;
  /** Tells the person who waits. */
  progress(text: string): void;
}

/** One thing measured on every peer. */
export interface Figure {
  /** As in the targets and in the machine-readable output. */
  id: string;
  title: string;
  unit: "µs" | "KiB" | "ms" | "round trips";
  /** Peer id → one value a round; the rounds of all peers were interleaved. */
  samples: Record<string, number[]>;
  /** Peer id → why there are no samples of it. */
  failures: Record<string, string>;
}

export interface Section {
  name: string;
  run(context: BenchContext): Promise<Figure[]>;
}
