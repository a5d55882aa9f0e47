import { AppError } from "../common/errors.ts";

/** One event of a `text/event-stream`. */
export interface SseEvent {
  /** The event's type. Default of the format: `message`. */
  event: string;
  /** The lines of data, joined by line feeds. */
  data: string;
  /** The last id that the stream has named, empty when none was. */
  id: string;
}

export interface SseParserOptions {
  /** The largest event, and the largest line, in UTF-16 units. Default: 1 Mi. */
  maxEventLength?: number;
}

/**
 * Reads a `text/event-stream` as its bytes come, however they are cut (WHATWG HTML, section 9.2).
 *
 * `retry` is ignored: who reads a model's answer never reconnects by itself.
 */
export class SseParser {
  // Takes the mark off itself: Deno's decoder drops one in mid-stream too, where it is text.
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  #isAtStart = true;
  readonly #maxLength: number;
  #line = "";
  #isAfterCr = false;
  #event = "";
  #data: string[] = [];
  #dataLength = 0;
  #id = "";

  constructor({ maxEventLength = 1024 * 1024 }: SseParserOptions = {}) {
    this.#maxLength = maxEventLength;
  }

  /**
   * Takes the next bytes and yields the events that they complete. An event that the stream's end
   * leaves incomplete is never yielded, as the format wants it.
   *
   * Throws `AppError("too_large")` for an event or a line over the limit; the parser is of no
   * use after that.
   */
  *push(bytes: Uint8Array): Generator<SseEvent> {
    let text = this.#decoder.decode(bytes, { stream: true });
    if (text === "") return;
    if (this.#isAtStart && text.startsWith("\uFEFF")) text = text.slice(1);
    this.#isAtStart = false;
    if (this.#isAfterCr && text.startsWith("\n")) text = text.slice(1);
    this.#isAfterCr = text === "" ? false : text.endsWith("\r");

    const lineEnd = /\r\n?|\n/g;
    let start = 0;
    for (let end = lineEnd.exec(text); end; end = lineEnd.exec(text)) {
      this.#grow(text.slice(start, end.index));
      const line = this.#line;
      this.#line = "";
      start = lineEnd.lastIndex;
      const event = this.#take(line);
      if (event) yield event;
    }
    this.#grow(text.slice(start));
  }

  #grow(text: string): void {
    this.#line += text;
    if (this.#line.length > this.#maxLength) throw this.#tooLarge();
  }

  #take(line: string): SseEvent | undefined {
    if (line === "") return this.#dispatch();
    const colon = line.indexOf(":");
    if (colon === 0) return undefined;
    const field = colon < 0 ? line : line.slice(0, colon);
    const rest = colon < 0 ? "" : line.slice(colon + 1);
    const value = rest.startsWith(" ") ? rest.slice(1) : rest;
    if (field === "data") {
      this.#dataLength += value.length + 1;
      if (this.#dataLength > this.#maxLength) throw this.#tooLarge();
      this.#data.push(value);
    } else if (field === "event") {
      this.#event = value;
    } else if (field === "id" && !value.includes("\0")) {
      this.#id = value;
    }
    return undefined;
  }

  #dispatch(): SseEvent | undefined {
    const event = this.#data.length === 0
      ? undefined
      : { event: this.#event || "message", data: this.#data.join("\n"), id: this.#id };
    this.#event = "";
    this.#data = [];
    this.#dataLength = 0;
    return event;
  }

  #tooLarge(): AppError {
    return new AppError(
      "too_large",
      `An event of the stream exceeds ${this.#maxLength} characters.`,
    );
  }
}
