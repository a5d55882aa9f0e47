/** Pieces this long are made one string: many small ones cost far more than their letters. */
const FLAT_LENGTH = 16_384;

/** A text that grows by small pieces, and costs little more than its letters. */
export class TextSeries {
  #flat: string[] = [];
  #tail: string[] = [];
  #tailLength = 0;
  #length = 0;

  /** In UTF-16 units. */
  get length(): number {
    return this.#length;
  }

  append(text: string): void {
    if (text === "") return;
    this.#tail.push(text);
    this.#tailLength += text.length;
    this.#length += text.length;
    if (this.#tailLength < FLAT_LENGTH) return;
    this.#flat.push(this.#tail.join(""));
    this.#tail = [];
    this.#tailLength = 0;
  }

  /** The text from the offset on. */
  from(offset = 0): string {
    const whole = [...this.#flat, ...this.#tail].join("");
    this.#flat = whole === "" ? [] : [whole];
    this.#tail = [];
    this.#tailLength = 0;
    return offset === 0 ? whole : whole.slice(offset);
  }

  clear(): void {
    this.#flat = [];
    this.#tail = [];
    this.#tailLength = this.#length = 0;
  }
}
