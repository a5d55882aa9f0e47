import type { ClientErrorCode } from "./errors.ts";

/**
 * `connecting`: it has not been there yet. `offline`: the connection is away, edits are kept.
 * `syncing`: edits are on their way. `synced`: everything is at the server. `refused`: the server
 * does not take it, see the code; it goes on by itself when what was too large is gone, and after
 * `retry()`.
 */
export type DocumentState = "connecting" | "offline" | "syncing" | "synced" | "refused";

/** A new object at each change. */
export interface DocumentStatus {
  /** What a note's own light shows. */
  readonly state: DocumentState;
  /** How many edits the server has not said that it has; missing where there are none. */
  readonly unsent?: number;
  /** Why it was refused: `forbidden`, `not_found`, `too_large`, `invalid_payload`. */
  readonly code?: ClientErrorCode;
  /** The same in words for a person. */
  readonly reason?: string;
}

/** A document with edits that the server may not have: what survives the page that they were made in. */
export interface KeptEdits {
  /** The document as it was, as a Yjs update. */
  readonly state: Uint8Array;
  /** The edits alone, as a Yjs update. */
  readonly unsent: Uint8Array;
  /** How many they are. */
  readonly count: number;
}
