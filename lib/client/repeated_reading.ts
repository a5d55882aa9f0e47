/** What became of a reading. `again`: what was read is old already; `later`: it could not be read. */
export type Read = "done" | "again" | "later";

/** How long to wait before something is read again, when that has failed, in milliseconds. */
const READ_AGAIN_MS = 2_000;

/** Reads something one time after the other: once more if it has changed while it was read. */
export class RepeatedReading implements Disposable {
  readonly #read: () => Promise<Read>;
  #reading: Promise<void> | undefined;
  #isAgain = false;
  #later: ReturnType<typeof setTimeout> | undefined;
  #isEnded = false;

  /** `read` says itself what goes wrong, and never throws. */
  constructor(read: () => Promise<Read>) {
    this.#read = read;
  }

  /** Resolves once what there is now has been read, or could not be. */
  now(): Promise<void> {
    this.#isAgain = this.#reading !== undefined;
    this.#reading ??= (async () => {
      try {
        do {
          this.#isAgain = false;
          clearTimeout(this.#later);
          const read = await this.#read();
          if (this.#isEnded) return;
          if (read === "again") this.#isAgain = true;
          if (read === "later") this.#later = setTimeout(() => void this.now(), READ_AGAIN_MS);
        } while (this.#isAgain);
      } finally {
        this.#reading = undefined;
      }
    })();
    return this.#reading;
  }

  [Symbol.dispose](): void {
    this.#isEnded = true;
    clearTimeout(this.#later);
  }
}
