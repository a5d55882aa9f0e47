import * as Y from "yjs";
import { errorText } from "../common/errors.ts";
import {
  type MeasuredState,
  RememberedState,
  type Renewal,
  type WrittenState,
} from "./remembered_state.ts";

/** Types in one another, above which a document is refused: an editor's have some ten. */
export const MAX_TYPE_DEPTH = 200;

const BYTES_OF_A_STRUCT = 600;
const BYTES_OF_A_NAME = 500;

/** From so many items on a state is remembered: to write it takes a while at once. */
const LARGE_STRUCTS = 5_000;
/** A small document is looked at after so many bytes of updates, none of which makes more than an item of five. */
const LOOK_BYTES = 32 * 1024;
const BYTES_OF_AN_ITEM = 5;

/** A Yjs document that knows how deep its types are in one another, and what it weighs. */
export class WeighedDoc extends Y.Doc {
  /** The depth of its types, counted up to the limit and one more. */
  depth = 0;
  /** Updates that were taken so far. */
  taken = 0;
  /** Transactions so far: whatever changes it is in one. */
  transactions = 0;
  /** How it was written, once it is large. */
  #remembered: RememberedState | undefined;
  /** Bytes of updates since somebody has looked how large it is. */
  #unseenBytes = 0;
  /** An update that was tried elsewhere: the state with it, and the transactions without. */
  #tried: { update: Uint8Array; with: MeasuredState; transactions: number } | undefined;

  constructor() {
    super();
    // Before Yjs tells each changed type and all those around it.
    this.on("beforeObserverCalls", (transaction: Y.Transaction) => {
      this.depth = Math.max(this.depth, newDepth(transaction));
      this.transactions++;
    });
  }

  /** Applies an update. Throws as Yjs does. */
  take(update: Uint8Array, origin?: unknown): void {
    this.taken++;
    const isSeen = this.#remembered !== undefined ||
      (this.#unseenBytes += update.length) < LOOK_BYTES;
    if (!isSeen) this.#look(update);
    if (!this.#remembered) return Y.applyUpdate(this, update, origin);
    const { transactions } = this;
    this.#remembered.take(update, () => Y.applyUpdate(this, update, origin));
    if (this.#tried?.update === update) {
      this.isWrittenAs(this.#tried.with, this.#tried.transactions === transactions);
      this.#tried = undefined;
    }
    if (!isSeen && this.structs < LARGE_STRUCTS) this.#remembered = undefined;
  }

  /** Written while it is hardly large yet, and before an update that may make it so. */
  #look({ length }: Uint8Array): void {
    this.#unseenBytes = 0;
    if (this.structs + length / BYTES_OF_AN_ITEM < LARGE_STRUCTS) return;
    const written = { state: Y.encodeStateAsUpdate(this), vector: Y.encodeStateVector(this) };
    this.#remembered = new RememberedState(this, written, true);
  }

  /** What somebody has written is in it; or all that it says now. */
  isWrittenAs(written: MeasuredState, isAll: boolean): void {
    if (this.structs < LARGE_STRUCTS) return;
    this.#remembered = new RememberedState(this, written, isAll);
  }

  /** The update was tried on what a large document said after so many transactions, and written with it. */
  isTried(update: Uint8Array, written: MeasuredState, transactions: number): void {
    if (this.#remembered) this.#tried = { update, with: written, transactions };
  }

  /** All that it says: as somebody has written it already, with what came since; or written now. */
  written(): WrittenState {
    if (this.#remembered) return this.#remembered.written();
    const state = Y.encodeStateAsUpdate(this);
    if (this.structs >= LARGE_STRUCTS) {
      this.isWrittenAs({ state, vector: Y.encodeStateVector(this) }, true);
    }
    return { state };
  }

  /** Whether it is written elsewhere, if at all. */
  get isLarge(): boolean {
    return this.#remembered !== undefined;
  }

  /** Whether so much has come since it was written that somebody is to write it anew. */
  get isBehind(): boolean {
    return this.#remembered?.isBehind ?? false;
  }

  /** What a large document says, to be written anew; `undefined` where nothing came since. */
  renewal(): Renewal | undefined {
    const remembered = this.#remembered;
    // Then it is written here, by whoever needs it.
    return remembered?.renewal(() => {
      if (this.#remembered === remembered) this.#remembered = undefined;
    });
  }

  /** What it holds: items, runs of deleted ones. */
  get structs(): number {
    let structs = 0;
    for (const { length } of this.store.clients.values()) structs += length;
    return structs;
  }

  /** About what it takes in memory, given the bytes of its state. */
  weight(bytes: number): number {
    return weightOf(this.structs, bytes) + (this.#remembered?.bytes ?? 0) +
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
