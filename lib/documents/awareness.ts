/**
 * Cursors and names of those who edit: read in both encodings, checked against who owns
 * which Yjs client, and written in the encoding of the one who receives it. Nothing is stored.
 */
import * as decoding from "lib0/decoding";
import { createEncoder, toUint8Array, writeVarString, writeVarUint } from "lib0/encoding";
import { AppError } from "../common/errors.ts";

/** `json`: Open WebUI's own client, `{[clientId]: state}`. `binary`: y-protocols. */
export type AwarenessEncoding = "json" | "binary";

export interface AwarenessEntry {
  clientId: number;
  /** Rises with each change of the client's state; JSON has none. */
  clock: number | undefined;
  /** `null`: the client is gone. */
  state: Record<string, unknown> | null;
}

export interface AwarenessSender {
  sid: string;
  userId: string;
  userName: string;
}

const MAX_ENTRIES = 1_000;
/** No honest socket owns more Yjs clients than this in one document. */
const MAX_CLIENTS_OF_A_SOCKET = 16;
const OPEN_BRACE = 0x7b;

function isState(value: unknown): value is AwarenessEntry["state"] {
  return typeof value === "object" && !Array.isArray(value);
}

function readJson(text: string): AwarenessEntry[] {
  const parsed: unknown = JSON.parse(text);
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) throw new Error();
  return Object.entries(parsed).map(([id, state]) => {
    const clientId = Number(id);
    if (!Number.isSafeInteger(clientId) || clientId < 0 || !isState(state)) throw new Error();
    return { clientId, clock: undefined, state };
  });
}

function readBinary(bytes: Uint8Array): AwarenessEntry[] {
  const decoder = decoding.createDecoder(bytes);
  const count = decoding.readVarUint(decoder);
  if (count > MAX_ENTRIES) throw new Error();
  return Array.from({ length: count }, () => {
    const clientId = decoding.readVarUint(decoder);
    const clock = decoding.readVarUint(decoder);
    const state: unknown = JSON.parse(decoding.readVarString(decoder));
    if (!isState(state)) throw new Error();
    return { clientId, clock, state };
  });
}

/** @throws {AppError} `invalid_payload` for bytes in neither encoding. */
export function readAwareness(
  bytes: Uint8Array,
): { encoding: AwarenessEncoding; entries: AwarenessEntry[] } {
  if (bytes[0] === OPEN_BRACE) {
    try {
      return { encoding: "json", entries: readJson(new TextDecoder().decode(bytes)) };
    } catch {
      // A binary update that begins with the same byte: 123 clients.
    }
  }
  try {
    return { encoding: "binary", entries: readBinary(bytes) };
  } catch {
    throw new AppError("invalid_payload", "update: these bytes are no awareness update.");
  }
}

export function writeAwareness(
  entries: readonly AwarenessEntry[],
  encoding: AwarenessEncoding,
): Uint8Array {
  if (encoding === "json") {
    // Open WebUI's client can't take `null`: a state without a cursor is what makes one vanish.
    const states = entries.map(({ clientId, state }) => [clientId, state ?? {}]);
    return new TextEncoder().encode(JSON.stringify(Object.fromEntries(states)));
  }
  const encoder = createEncoder();
  writeVarUint(encoder, entries.length);
  for (const { clientId, clock = 0, state } of entries) {
    writeVarUint(encoder, clientId);
    writeVarUint(encoder, clock);
    writeVarString(encoder, JSON.stringify(state));
  }
  return toUint8Array(encoder);
}

interface Claim {
  sid: string;
  userId: string;
  clock: number;
}

/** Which socket owns which Yjs client in one document. The first socket to send for one keeps it. */
export class AwarenessClaims {
  readonly #claims = new Map<number, Claim>();

  /**
   * The entries that the sender may send, with the name that is the session's. A new socket of the
   * same user takes over its old client, whose socket may not be known to be gone yet.
   *
   * @throws {AppError} `forbidden` when none of the entries is the sender's
   */
  admit(sender: AwarenessSender, entries: readonly AwarenessEntry[]): AwarenessEntry[] {
    const own = entries.filter(({ clientId }) => this.#mayClaim(sender, clientId));
    if (own.length === 0 && entries.length > 0) {
      throw new AppError("forbidden", "These cursors are somebody else's.");
    }
    return own.map((entry) => {
      const last = this.#claims.get(entry.clientId)?.clock ?? 0;
      const clock = entry.clock ?? last + 1;
      this.#claims.set(entry.clientId, {
        sid: sender.sid,
        userId: sender.userId,
        clock: Math.max(last, clock),
      });
      return { ...entry, clock, state: named(entry.state, sender) };
    });
  }

  #mayClaim({ sid, userId }: AwarenessSender, clientId: number): boolean {
    const claim = this.#claims.get(clientId);
    if (claim) return claim.sid === sid || claim.userId === userId;
    let held = 0;
    for (const { sid: holder } of this.#claims.values()) if (holder === sid) held++;
    if (held < MAX_CLIENTS_OF_A_SOCKET) return true;
    throw new AppError("rate_limited", "Too many cursors for one socket.");
  }

  /** Takes away what the socket owned, and returns what tells the others so. */
  release(sid: string): AwarenessEntry[] {
    const gone: AwarenessEntry[] = [];
    for (const [clientId, claim] of this.#claims) {
      if (claim.sid !== sid) continue;
      this.#claims.delete(clientId);
      gone.push({ clientId, clock: claim.clock + 1, state: null });
    }
    return gone;
  }
}

/** A state whose name, where it shows one, is the session's: nobody edits under another's. */
function named(state: AwarenessEntry["state"], sender: AwarenessSender): AwarenessEntry["state"] {
  const user = state?.user;
  if (!state || typeof user !== "object" || user === null) return state;
  const id = "id" in user && user.id !== sender.sid ? { id: sender.userId } : {};
  return { ...state, user: { ...user, ...id, name: sender.userName } };
}
