import { tell } from "./command.ts";

const EVERY_MS = 2_000;

/** Tells how far long work is, every two seconds. */
export class Progress {
  readonly #began = performance.now();
  readonly #unit: string;
  #toldAt = this.#began;

  constructor(unit: string) {
    this.#unit = unit;
  }

  at(count: number): void {
    const now = performance.now();
    if (now - this.#toldAt < EVERY_MS) return;
    this.#toldAt = now;
    tell(`${this.of(count)} …`);
  }

  /** `12,000 records, 3.2 s`. */
  of(count: number): string {
    const seconds = ((performance.now() - this.#began) / 1_000).toFixed(1);
    return `${count.toLocaleString("en")} ${this.#unit}, ${seconds} s`;
  }
}
