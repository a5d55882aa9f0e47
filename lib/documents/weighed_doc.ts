import * as Y from "yjs";
import { errorText } from "../common/errors.ts";

/** Types in one another, above which a document is refused: an editor's have some ten. */
export const MAX_TYPE_DEPTH = 200;

const BYTES_OF_A_STRUCT = 600;
const BYTES_OF_A_NAME = 500;

/** From so many items on, a state that is known is worth its bytes: to write it takes a while at once. */
const LARGE_STRUCTS = 5_000;
/** Updates since, and their bytes, beyond which the state is written anew. */
const MAX_SINCE = 200;
const MAX_SINCE_BYTES = 64 * 1024;

/** A document's state: at some moment, and what has come since. */
export interface WrittenState {
  state: Uint8Array;
  since?: Uint8Array;
}

/** A Yjs document that knows how deep its types are in one another, and what it weighs. */
export class WeighedDoc extends Y.Doc {
  /** The depth of its types, counted up to the limit and one more. */
  depth = 0;
  /** Updates that were taken so far. */
  taken = 0;
  /** What it says, as long as it has changed by nothing else than those updates. */
  #written: { state: Uint8Array; since: Uint8Array[]; bytes: number } | undefined;

  constructor() {
    super();
    // Before Yjs tells each changed type and all those around it.
    this.on("beforeObserverCalls", (transaction: Y.Transaction) => {
      this.depth = Math.max(this.depth, newDepth(transaction));
      // Whatever changes it by another way than `take`, which puts it back, is not in what was written.
      this.#written = undefined;
    });
  }

  /** Applies an update. Throws as Yjs does. */
  take(update: Uint8Array): void {
    const written = this.#written;
    this.taken++;
    Y.applyUpdate(this, update);
    if (!written) return;
    written.since.push(update);
    written.bytes += update.length;
    const isLittle = written.since.length <= MAX_SINCE && written.bytes <= MAX_SINCE_BYTES;
    this.#written = isLittle ? written : undefined;
  }

  /** Somebody has written all that it says now. */
  isWrittenAs(state: Uint8Array): void {
    if (this.structs >= LARGE_STRUCTS) this.#written = { state, since: [], bytes: 0 };
  }

  /** All that it says: as somebody has written it already, or written now. */
  written(): WrittenState {
    if (!this.#written) {
      const state = Y.encodeStateAsUpdate(this);
      this.isWrittenAs(state);
      return { state };
    }
    const { state, since } = this.#written;
    return since.length === 0 ? { state } : { state, since: Y.mergeUpdates(since) };
  }

  /** What it holds: items, runs of deleted ones. */
  get structs(): number {
    let structs = 0;
    for (const { length } of this.store.clients.values()) structs += length;
    return structs;
  }

  /** About what it takes in memory, given the bytes of its state. */
  weight(bytes: number): number {
    return weightOf(this.structs, bytes) + (this.#written?.state.length ?? 0) +
      (this.store.clients.size + this.share.size) * BYTES_OF_A_NAME;
  }
}

/** About what so many items take in memory; text takes two bytes a character. */
export const weightOf = (structs: number, bytes: number): number =>
  structs * BYTES_OF_A_STRUCT + bytes * 2;

// Yjs' own parameter of a type: its events.
// deno-lint-ignore no-explicit-any
type AnyType = Y.AbstractType<any>;

/** How deep the types are that the transaction has brought. */
function newDepth({ doc, beforeState, afterState }: Y.Transaction): number {
  let depth = 0;
  afterState.forEach((clock, client) => {
    const before = beforeState.get(client) ?? 0;
    if (before === clock) return;
    const structs = doc.store.clients.get(client) ?? [];
    for (let at = structs.length - 1; at >= 0; at--) {
      const struct = structs[at];
      if (!struct || struct.id.clock < before) break;
      if (struct instanceof Y.Item && struct.content instanceof Y.ContentType) {
        depth = Math.max(depth, depthOf(struct.content.type));
      }
    }
  });
  return depth;
}

function depthOf(type: AnyType): number {
  let depth = 1;
  let item = type._item;
  while (item && depth <= MAX_TYPE_DEPTH) {
    depth++;
    const { parent } = item;
    item = parent instanceof Y.AbstractType ? parent._item : null;
  }
  return depth;
}

/** Applies one update; what is harmful, as only another writer's can be, is told by its error. */
export function refusalOf(doc: Y.Doc, update: Uint8Array, origin?: unknown): string | undefined {
  try {
    Y.applyUpdate(doc, update, origin);
    return undefined;
  } catch (thrown) {
    return errorText(thrown);
  }
}
