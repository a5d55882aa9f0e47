import { AppError } from "../common/errors.ts";

/**
 * The longest line of an answer, in UTF-16 units: one delta may be as large as an answer may be, a
 * picture as a data URI for example.
 */
const MAX_LINE_LENGTH = 10 * 1024 * 1024;

const GOES_ON = { stream: true };

/**
 * Bytes to lines, however the bytes are cut: UTF-8, a byte order mark taken off, lines ended by CR,
 * LF or both (WHATWG HTML, section 9.2).
 */
export class LineDecoder {
  // Takes the mark off itself: Deno 2.9's decoder drops one in mid-stream too, where it is text.
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  readonly #maxLength: number;
  #isAtStart = true;
  #isAfterCr = false;
  #rest = "";

  constructor({ maxLength = MAX_LINE_LENGTH }: { maxLength?: number } = {}) {
    this.#maxLength = maxLength;
  }

  /** The lines that these bytes complete. Throws `too_large` for a line over the limit. */
  feed(bytes: Uint8Array): string[] {
    let text = this.#decoder.decode(bytes, GOES_ON);
    if (text === "") return [];
    if (this.#isAtStart && text.startsWith("\uFEFF")) text = text.slice(1);
    this.#isAtStart = false;
    if (this.#isAfterCr && text.startsWith("\n")) text = text.slice(1);
    this.#isAfterCr = text.endsWith("\r");
    const lines = text.includes("\r") ? text.split(/\r\n?|\n/) : text.split("\n");
    const last = lines.pop() ?? "";
    if (lines.length > 0) {
      lines[0] = this.#rest + lines[0];
      this.#rest = "";
    }
    this.#rest += last;
    if (this.#rest.length > this.#maxLength || lines.some((l) => l.length > this.#maxLength)) {
      throw new AppError(
        "too_large",
        `A line of the stream exceeds ${this.#maxLength} characters.`,
      );
    }
    return lines;
  }

  /** The line that nothing has ended, if there is one. */
  end(): string[] {
    const rest = this.#rest + this.#decoder.decode();
    this.#rest = "";
    return rest === "" ? [] : [rest];
  }
}
