/**
 * How fast it goes. Redis cuts a subscriber off for whom 32 MB wait: at this pace, one that stands
 * still for most of a second is not.
 */
const CHARS_PER_MS = 32 * 1024;
/** What may go at once after a while of rest. */
const BURST_CHARS = 2 * 1024 * 1024;

/** Holds what is sent to a pace that the slowest receiver bears. Little is never held. */
export class TokenBucket implements Disposable {
  readonly #onAllowed: () => void;
  #left = BURST_CHARS;
  #filledAtMs = performance.now();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param onAllowed called once the pace allows what it did not */
  constructor(onAllowed: () => void) {
    this.#onAllowed = onAllowed;
  }

  spend(chars: number): void {
    this.#left -= chars;
  }

  allows(): boolean {
    if (this.#left > 0) return true;
    const nowMs = performance.now();
    const earned = (nowMs - this.#filledAtMs) * CHARS_PER_MS;
    this.#left = Math.min(BURST_CHARS, this.#left + earned);
    this.#filledAtMs = nowMs;
    if (this.#left > 0) return true;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#onAllowed();
    }, 1 - this.#left / CHARS_PER_MS);
    return false;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
