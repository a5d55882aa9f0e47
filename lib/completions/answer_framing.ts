import { AppError } from "../common/errors.ts";
import { isPunctuation, objectsIn } from "./json_sequence.ts";

/** A piece of an answer, taken out of whatever it came in. */
export type Frame =
  /** A JSON value and its own text. `isError`: it came as an error, whatever its shape. */
  | { kind: "json"; value: unknown; text: string; isError: boolean }
  /** `[DONE]`. */
  | { kind: "done" }
  /** JSON that is broken: a part of the answer is lost. */
  | { kind: "broken" };

/** The largest event, in UTF-16 units. */
const MAX_EVENT_LENGTH = 10 * 1024 * 1024;

/** Beyond so many tries to read what came over several lines, the end of the event is waited for. */
const MAX_TRIES = 64;

/** How much is kept of what is no answer, for the words of an error. */
const MAX_UNREAD = 2_000;

const isDone = (text: string) => text.trim().toUpperCase() === "[DONE]";

/**
 * Lines to JSON values: Server-Sent Events, well made or bent. Where the format would wait for an
 * empty line, complete JSON is enough, so events parted by one newline arrive as they come, and the
 * last one without its empty line, too. Lines without a field are read as JSON of their own: one
 * value a line, several, one over many, or a list that grows.
 */
export class AnswerFraming {
  readonly #onFrame: (frame: Frame) => void;
  /** Of an event whose data is not complete JSON yet. */
  #data = "";
  #bare = "";
  #tries = 0;
  #event = "";
  #isErrorField = false;
  #unread = "";

  constructor(onFrame: (frame: Frame) => void) {
    this.#onFrame = onFrame;
  }

  /** The beginning of what was neither an event nor JSON. */
  get unread(): string {
    return this.#unread;
  }

  /** Whether the next line begins something of its own, which is no error. */
  get isBetween(): boolean {
    return this.#data === "" && this.#bare === "" && !this.#isError;
  }

  /** Ends an event whose data somebody else has read. */
  passOver(): void {
    this.#forget();
  }

  /** Takes the next line. Throws `too_large` for an event over the limit. */
  line(text: string): void {
    const line = text.endsWith("\r") ? text.slice(0, -1) : text;
    if (line === "") return this.#endEvent();
    if (line.startsWith(":")) return;
    if (this.#bare === "") {
      const [, field, value = ""] = FIELD.exec(line) ?? [];
      if (field !== undefined) return this.#field(field.toLowerCase(), value);
      if (this.#data === "" && isPunctuation(line)) return;
    }
    if (this.#data !== "") this.#dataLine(line);
    else this.#bareLine(line);
  }

  /** Takes what is left when the answer's body has ended. */
  end(): void {
    this.#endEvent();
    const rest = this.#bare;
    this.#bare = "";
    if (rest.trim() === "" || this.#takeWhole(rest, false)) return;
    if (looksLikeJson(rest)) this.#onFrame({ kind: "broken" });
    this.#note(rest);
  }

  #field(field: string, rest: string): void {
    // Gateways that frame what was framed say `data:` twice.
    const value = rest.replace(/^(?:\s*data:)* ?/, "");
    if (field === "event") this.#event = value.trim();
    else if (field === "data") this.#dataLine(value);
    else if (field === "error") {
      this.#isErrorField = true;
      this.#dataLine(value);
    }
  }

  #dataLine(value: string): void {
    const trimmed = value.trim();
    if (this.#data === "") {
      if (trimmed === "") return;
      if (this.#takeWhole(value, this.#isError)) return this.#forget();
      this.#data = value;
      return;
    }
    // A whole chunk behind one that is not whole: no JSON goes on like this.
    if (isDone(trimmed) || isChunk(trimmed)) {
      this.#endEvent();
      return this.#dataLine(value);
    }
    this.#data = joined(this.#data, value);
    if (/[}\]]$/.test(trimmed) && ++this.#tries <= MAX_TRIES) {
      if (this.#takeWhole(this.#data, this.#isError)) this.#forget();
    }
  }

  #bareLine(line: string): void {
    if (this.#bare !== "" && isChunk(line.trim())) {
      this.#onFrame({ kind: "broken" });
      this.#bare = "";
    }
    this.#bare = this.#bare === "" ? line : joined(this.#bare, line);
    const last = line.trimEnd().at(-1) ?? "";
    if (!"}],".includes(last)) {
      if (!looksLikeJson(this.#bare)) this.#noteBare();
      return;
    }
    if (++this.#tries > MAX_TRIES) return;
    if (this.#takeWhole(this.#bare, false)) {
      this.#bare = "";
      this.#tries = 0;
    } else if (!looksLikeJson(this.#bare)) this.#noteBare();
  }

  #noteBare(): void {
    this.#note(this.#bare);
    this.#bare = "";
  }

  #endEvent(): void {
    if (this.#data !== "") {
      const isError = this.#isError;
      const data = this.#data;
      if (!this.#takeWhole(data, isError)) {
        if (isError) this.#onFrame({ kind: "json", value: data, text: data, isError });
        else if (looksLikeJson(data)) this.#onFrame({ kind: "broken" });
        else this.#note(data);
      }
    }
    this.#forget();
  }

  get #isError(): boolean {
    return this.#isErrorField || this.#event === "error";
  }

  #forget(): void {
    this.#data = "";
    this.#tries = 0;
    this.#event = "";
    this.#isErrorField = false;
  }

  /** Hands on what is whole; says whether it was. */
  #takeWhole(text: string, isError: boolean): boolean {
    if (isDone(text)) {
      this.#onFrame({ kind: "done" });
      return true;
    }
    const whole = parsed(text);
    const texts = whole === undefined ? objectsIn(text) : [text.trim()];
    const values = whole === undefined ? texts?.map(parsed) : [whole];
    if (!texts || !values?.every((value) => value !== undefined)) return false;
    values.forEach((value, at) => {
      this.#onFrame({ kind: "json", value, text: texts[at] ?? "", isError });
    });
    return true;
  }

  #note(text: string): void {
    if (this.#unread.length < MAX_UNREAD) {
      this.#unread = `${this.#unread}\n${text}`.trim().slice(0, MAX_UNREAD);
    }
  }
}

/** Some indent their fields, or write them large. */
const FIELD = /^\s*(data|event|id|retry|error)\s*(?::([^]*))?$/i;

function joined(earlier: string, later: string): string {
  if (earlier.length + later.length > MAX_EVENT_LENGTH) {
    throw new AppError("too_large", `An event exceeds ${MAX_EVENT_LENGTH} characters.`);
  }
  return `${earlier}\n${later}`;
}

const looksLikeJson = (text: string) => /^\s*[{[]/.test(text);

function parsed(text: string): unknown {
  if (!looksLikeJson(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Whether the line is a whole chunk by itself. */
function isChunk(text: string): boolean {
  const value = parsed(text);
  return typeof value === "object" && value !== null && ("choices" in value || "error" in value);
}
