/** What is aimed at: the ratio of a peer's figure to another's, at the most. */
export interface Target {
  figure: string;
  peer: string;
  against: string;
  atMost: number;
}

export const TARGETS: readonly Target[] = [
  { figure: "delivery.paced", peer: "ours", against: "node", atMost: 0.95 },
  { figure: "delivery.burst", peer: "ours", against: "node", atMost: 0.95 },
  { figure: "echo", peer: "ours", against: "node", atMost: 0.8 },
  { figure: "connect", peer: "ours", against: "node", atMost: 0.55 },
  { figure: "memory", peer: "ours", against: "node", atMost: 1 },
  { figure: "streams", peer: "ours", against: "node", atMost: 0.6 },
  { figure: "streams_slow", peer: "ours", against: "node", atMost: 1 },
  { figure: "streams_fast", peer: "ours", against: "node", atMost: 1 },
  { figure: "streams_readers", peer: "ours", against: "node", atMost: 1 },
  { figure: "delivery.paced", peer: "ours", against: "python", atMost: 0.2 },
  { figure: "delivery.burst", peer: "ours", against: "python", atMost: 0.2 },
  { figure: "echo", peer: "ours", against: "python", atMost: 0.2 },
];
