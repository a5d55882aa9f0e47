import * as Y from "yjs";

/** An update of so many bytes stands beside the state as it came: it may take a while to write it again. */
const LARGE_UPDATE_BYTES = 16 * 1024;
/** From so much on, in bytes of updates, the state is to be written anew: who joins is sent all of it. */
const MAX_BEHIND_BYTES = 128 * 1024;

/** A document's state: at some moment, and what has come since, one after another. */
export interface WrittenState {
  state: Uint8Array;
  since?: Uint8Array[];
}

/** How many bytes that are. */
export const bytesOf = ({ state, since = [] }: WrittenState): number =>
  since.reduce((sum, { length }) => sum + length, state.length);

/** A state, and how much of each client it holds: Yjs' state vector. */
export interface MeasuredState {
  state: Uint8Array;
  vector: Uint8Array;
}

/** A state that is being written anew, elsewhere. */
export interface Renewal extends WrittenState {
  /** All of this has been written as one state. */
  isWrittenAs(state: Uint8Array): void;
  /** It could not be. */
  fail(): void;
}

/** A document that counts its transactions, so that it is known whether it has changed. */
interface CountedDoc extends Y.Doc {
  readonly transactions: number;
}

/**
 * How a large document was written, so that nobody has to wait until Yjs has written all of it. What has
 * come since a state vector is always written in a moment; so whichever way the document changes, what is
 * remembered may be behind, and never wrong.
 */
export class RememberedState {
  readonly #doc: CountedDoc;
  #state: Uint8Array;
  /** Updates beside the state, and how many there were before them that it holds by now. */
  #since: Uint8Array[] = [];
  #renewed = 0;
  /** What the state and these updates hold, and after how many transactions they held everything. */
  #vector: Uint8Array;
  #transactions: number;
  #isTouched = false;
  #behindBytes = 0;

  /** `isAll`: the state says all that the document does, and not only some of it. */
  constructor(doc: CountedDoc, { state, vector }: MeasuredState, isAll: boolean) {
    this.#doc = doc;
    this.#state = state;
    this.#vector = vector;
    this.#transactions = isAll ? doc.transactions : -1;
  }

  /** What it takes in memory. */
  get bytes(): number {
    return bytesOf({ state: this.#state, since: this.#since });
  }

  /** Whether so much has come that the state is to be written anew. */
  get isBehind(): boolean {
    return this.#behindBytes > MAX_BEHIND_BYTES;
  }

  /** Has the update applied. */
  take(update: Uint8Array, apply: () => void): void {
    this.#behindBytes += update.length;
    if (update.length < LARGE_UPDATE_BYTES) {
      // In a transaction, which is counted when it is over.
      this.#isTouched = true;
      return apply();
    }
    this.#writeRest();
    apply();
    this.#since.push(update);
    this.#isComplete();
  }

  written(): WrittenState {
    const rest = this.#rest();
    const since = rest ? [...this.#since, rest] : this.#since;
    return since.length === 0 ? { state: this.#state } : { state: this.#state, since: [...since] };
  }

  /** All of it, to be written as one state; `undefined` where it is. `onFailure`: it can't be remembered. */
  renewal(onFailure: () => void): Renewal | undefined {
    this.#writeRest();
    this.#behindBytes = 0;
    if (this.#since.length === 0) return undefined;
    const covered = this.#renewed + this.#since.length;
    return {
      state: this.#state,
      since: [...this.#since],
      isWrittenAs: (state) => {
        // Two may be under way, and end in any order.
        if (covered <= this.#renewed) return;
        this.#state = state;
        this.#since.splice(0, covered - this.#renewed);
        this.#renewed = covered;
      },
      fail: onFailure,
    };
  }

  /** What has come since the last of the updates beside the state. */
  #rest(): Uint8Array | undefined {
    if (!this.#isTouched && this.#transactions === this.#doc.transactions) return undefined;
    return Y.encodeStateAsUpdate(this.#doc, this.#vector);
  }

  #writeRest(): void {
    const rest = this.#rest();
    if (!rest) return;
    this.#since.push(rest);
    this.#isComplete();
  }

  #isComplete(): void {
    this.#vector = Y.encodeStateVector(this.#doc);
    this.#transactions = this.#doc.transactions;
    this.#isTouched = false;
  }
}
