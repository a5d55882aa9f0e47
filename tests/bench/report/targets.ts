/** What is aimed at: the ratio of a peer's figure to another's at the most, or the figure itself. */
export interface Target {
  figure: string;
  peer: string;
  /** Default: none, the figure itself counts. */
  against?: string;
  atMost: number;
}

/** The same for bytes as arrays of numbers and as attachments, beside Hocuspocus. */
const documents = (figure: string, atMost: { numbers: number; attachments: number }): Target[] => [
  { figure, peer: "ours-kv", against: "hocuspocus", atMost: atMost.numbers },
  { figure, peer: "ours-attachments", against: "hocuspocus", atMost: atMost.attachments },
];

/** Nobody waits longer for what another one does, in milliseconds. */
const MAX_PAUSE_MS = 50;
const PAUSES = ["chat.import", "chat.read", "chat.post", "chat.refuse", "chat.text"]
  .concat(["note.make", "note.open", "note.edit", "note.write", "document.open", "document.join"]);

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
  ...documents("documents.one", { numbers: 1, attachments: 1.2 }),
  ...documents("documents.one.memory", { numbers: 1, attachments: 1 }),
  ...documents("documents.many", { numbers: 0.75, attachments: 0.75 }),
  ...documents("documents.many.memory", { numbers: 1, attachments: 1 }),
  { figure: "documents.join", peer: "ours-attachments", atMost: 1.5 },
  ...PAUSES.map((what) => ({ figure: `pauses.${what}`, peer: "ours-kv", atMost: MAX_PAUSE_MS })),
];
