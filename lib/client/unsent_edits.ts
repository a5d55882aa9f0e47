import * as Y from "yjs";

/** Edits that wait are made one when there are more than this many. */
const MAX_APART = 64;

/** Edits of a document that the server has not said it has, in their order, and how many they are. */
export class UnsentEdits {
  #waiting: Uint8Array[] = [];
  #waitingCount = 0;
  /** Asked to be taken, and not answered yet. */
  #onItsWay: Uint8Array | undefined;
  #onItsWayCount = 0;

  /** How many there are, those on their way among them. */
  get count(): number {
    return this.#waitingCount + this.#onItsWayCount;
  }

  /** Whether there are any that are not on their way. */
  get isWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  add(update: Uint8Array, count = 1): void {
    this.#waiting.push(update);
    this.#waitingCount += count;
    if (this.#waiting.length > MAX_APART) this.#waiting = [Y.mergeUpdates(this.#waiting)];
  }

  /** What says all that waits, in place of what waited. */
  replace(update: Uint8Array): void {
    this.#waiting = [update];
    this.#waitingCount = Math.max(1, this.#waitingCount);
  }

  /** All of them as one update. */
  all(): Uint8Array | undefined {
    const all = this.#onItsWay ? [this.#onItsWay, ...this.#waiting] : this.#waiting;
    return all.length < 2 ? all[0] : Y.mergeUpdates(all);
  }

  /** Sends what waits as one update, which waits again, before what has come meanwhile, if that fails. */
  async send(ask: (update: Uint8Array) => Promise<unknown>): Promise<void> {
    const update = this.all();
    if (!update) return;
    this.#onItsWay = update;
    this.#onItsWayCount = this.#waitingCount;
    this.#waiting = [];
    this.#waitingCount = 0;
    try {
      await ask(update);
    } catch (thrown) {
      this.#waiting.unshift(update);
      this.#waitingCount += this.#onItsWayCount;
      throw thrown;
    } finally {
      this.#onItsWay = undefined;
      this.#onItsWayCount = 0;
    }
  }
}
