import { MAX_JSON_DEPTH } from "./json_nesting.ts";
import { Turns } from "./turns.ts";

/** What is parsed at once, in UTF-16 units; a text of this length is not cut. */
const PIECE_LENGTH = 64 * 1024;

const SPACE = /[ \t\n\r]*/y;
const SCALAR = /[^\s,\]}]+/y;

/** JSON that is nested deeper than the limit. */
export class NestedTooDeep extends RangeError {}

/**
 * As `JSON.parse`, but a text of many values lets others have their turn in between: arrays and
 * objects too large for one piece are put together from their entries. One string is one piece.
 *
 * @throws {SyntaxError} it is no JSON
 * @throws {NestedTooDeep} it is nested deeper than {@linkcode MAX_JSON_DEPTH}
 */
export async function parseInTurns(text: string): Promise<unknown> {
  return await new Parser(text).all();
}

class Parser {
  readonly #text: string;
  #at = 0;
  readonly #turns = new Turns();

  constructor(text: string) {
    this.#text = text;
  }

  async all(): Promise<unknown> {
    this.#take(SPACE);
    const value = await this.#value(0);
    this.#take(SPACE);
    if (this.#at < this.#text.length) throw this.#unexpected();
    return value;
  }

  async #value(depth: number): Promise<unknown> {
    const first = this.#text[this.#at];
    if (first === '"') return JSON.parse(this.#takeString());
    if (first === "{") return await this.#container("{", "}", depth);
    if (first === "[") return await this.#container("[", "]", depth);
    return JSON.parse(this.#take(SCALAR));
  }

  /** As many entries at a time as fit into a piece; one that does not by itself, entry by entry. */
  async #container(open: "{" | "[", close: "}" | "]", depth: number): Promise<unknown> {
    if (depth >= MAX_JSON_DEPTH) throw new NestedTooDeep();
    this.#at++;
    const array: unknown[] = [];
    const object: Record<string, unknown> = {};
    for (let isFirst = true;; isFirst = false) {
      if (this.#turns.isOver) await this.#turns.next();
      const end = this.#endOfEntries(depth + 1);
      if (end !== undefined) {
        const entries = this.#text.slice(this.#at, end);
        const isEmpty = entries.trim() === "";
        if (isEmpty && !(isFirst && this.#text[end] === close)) throw this.#unexpected();
        const piece = JSON.parse(open + entries + close);
        this.#at = end;
        if (open === "{") addTo(object, piece);
        else for (const each of piece) array.push(each);
      } else if (open === "[") {
        this.#take(SPACE);
        array.push(await this.#value(depth + 1));
      } else {
        this.#take(SPACE);
        const name: string = JSON.parse(this.#takeString());
        this.#take(SPACE);
        this.#expect(":");
        this.#take(SPACE);
        const value = await this.#value(depth + 1);
        addTo(object, Object.defineProperty({}, name, { value, enumerable: true }));
      }
      this.#take(SPACE);
      if (this.#text[this.#at] === close) break;
      this.#expect(",");
    }
    this.#at++;
    return open === "{" ? object : array;
  }

  /** Where the last entry ends that fits into a piece: at its comma, or at the container's end. */
  #endOfEntries(depth: number): number | undefined {
    const text = this.#text;
    const last = Math.min(text.length, this.#at + PIECE_LENGTH);
    let open = 0;
    let end: number | undefined;
    for (let at = this.#at; at < last; at++) {
      const char = text.charCodeAt(at);
      if (char === 0x22) {
        at = endOfString(text, at);
        if (at < 0) return end;
      } else if (char === 0x7b || char === 0x5b) {
        if (depth + ++open > MAX_JSON_DEPTH) throw new NestedTooDeep();
      } else if (char === 0x7d || char === 0x5d) {
        if (--open < 0) return at;
      } else if (char === 0x2c && open === 0) end = at;
    }
    return end;
  }

  #take(token: RegExp): string {
    token.lastIndex = this.#at;
    const [found] = token.exec(this.#text) ?? [];
    if (found === undefined) throw this.#unexpected();
    this.#at += found.length;
    return found;
  }

  /** With whatever escapes: `JSON.parse` says whether they are right. */
  #takeString(): string {
    const start = this.#at;
    const end = this.#text[start] === '"' ? endOfString(this.#text, start) : -1;
    if (end < 0) throw this.#unexpected();
    this.#at = end + 1;
    return this.#text.slice(start, this.#at);
  }

  #expect(char: string): void {
    if (this.#text[this.#at] !== char) throw this.#unexpected();
    this.#at++;
  }

  #unexpected(): SyntaxError {
    return new SyntaxError(`Unexpected JSON at position ${this.#at}`);
  }
}

/** As `JSON.parse`: `__proto__` is a property like any other. */
function addTo(object: Record<string, unknown>, piece: object): void {
  for (const [name, value] of Object.entries(piece)) {
    if (name !== "__proto__") object[name] = value;
    else {
      const own = { value, enumerable: true, configurable: true, writable: true };
      Object.defineProperty(object, name, own);
    }
  }
}

/** The place of the quote that ends the string; -1 for one that does not end. */
function endOfString(text: string, start: number): number {
  let at = start;
  do at = text.indexOf('"', at + 1); while (at >= 0 && isEscaped(text, at));
  return at;
}

function isEscaped(text: string, quote: number): boolean {
  let backslashes = 0;
  while (text.charCodeAt(quote - 1 - backslashes) === 0x5c) backslashes++;
  return backslashes % 2 === 1;
}
