/** Text of a model, its thoughts apart. */
export interface SplitText {
  content: string;
  reasoning: string;
  /** All content before this was reasoning: only its end was marked. */
  wasReasoning: boolean;
}

/** How models mark their thoughts inline; the tags are matched in any case. */
const TAGS: readonly (readonly [open: string, close: string])[] = [
  ["<think>", "</think>"],
  ["<thinking>", "</thinking>"],
  ["<reason>", "</reason>"],
  ["<reasoning>", "</reasoning>"],
  ["<thought>", "</thought>"],
  ["<|begin_of_thought|>", "<|end_of_thought|>"],
  ["◁think▷", "◁/think▷"],
];
const OPENING = TAGS.map(([open]) => open);
const CLOSING = TAGS.map(([, close]) => close);
/** As much of a line's beginning and end decides whether a tag in it counts, in UTF-16 units. */
const MAX_EDGE = 64;
const MAX_TAG = Math.max(...[...OPENING, ...CLOSING].map(({ length }) => length));

/**
 * Splits a model's text into what it says and what it thinks, however its deltas are cut.
 *
 * - An opening tag counts at the very beginning, directly behind a thought that ended, and alone on a
 *   line outside of code. Anywhere else it is text.
 * - A closing tag that nothing has opened counts once, outside of code, unless it stands within a
 *   sentence (a space before it, a small letter or a mark behind it) or in quotes: all before it was
 *   a thought.
 * - A thought ends at its own closing tag, unless back-ticks stand around that.
 */
export class ThoughtSplitter {
  #mode: "start" | "text" | "thought" = "start";
  #close = "";
  /** What may yet become a tag, or whitespace at the edge of a thought. */
  #held = "";
  /** The beginning and the end of the line so far, and how many back-ticks are in it. */
  #head = "";
  #tail = "";
  #ticks = 0;
  #fence = "";
  #hasThought = false;
  #hasContent = false;
  #isThoughtBegun = false;
  #isEnding = false;
  #out: SplitText = nothing();

  /** Takes the next delta; `content` and `reasoning` are what is certain now. */
  push(text: string): SplitText {
    this.#out = nothing();
    // As a rule a delta is plain text, and goes on as it is.
    if (this.#mode === "text" && this.#held === "" && !/[<◁]/.test(text)) this.#say(text);
    else this.#read(this.#held + text);
    return this.#out;
  }

  /** What was held back, once the text has ended. */
  end(): SplitText {
    this.#isEnding = true;
    return this.push("");
  }

  /** From now on a lone closing tag is text: something else has told the thoughts. */
  noteThought(): void {
    this.#hasThought = true;
  }

  #read(input: string): void {
    this.#held = "";
    let rest = input;
    while (rest !== "") {
      const read = this.#mode === "start"
        ? this.#readStart(rest)
        : this.#mode === "thought"
        ? this.#readThought(rest)
        : this.#readText(rest);
      if (read === undefined) {
        this.#held = rest;
        return;
      }
      rest = read;
    }
  }

  /** What follows in `rest` after what could be read; `undefined` when more must come first. */
  #readStart(rest: string): string | undefined {
    const space = /^\s*/.exec(rest)?.[0] ?? "";
    const words = rest.slice(space.length);
    const open = tagAt(words, OPENING);
    if (open !== undefined) {
      this.#begin(open);
      return words.slice(open.length);
    }
    const close = tagAt(words, CLOSING);
    if (close !== undefined && this.#hasThought) return words.slice(close.length);
    const isShort = words === "" || isPartOf(words, OPENING) || isPartOf(words, CLOSING);
    if (isShort && !this.#isEnding) return undefined;
    this.#mode = "text";
    // Behind a thought the answer begins with its first word.
    if (!this.#hasThought || this.#hasContent) return rest;
    return words;
  }

  #readThought(rest: string): string | undefined {
    const end = this.#endOfThought(rest);
    if (end >= 0) {
      this.#think(rest.slice(0, end).trimEnd());
      this.#hasThought = true;
      this.#mode = "start";
      return rest.slice(end + this.#close.length);
    }
    // What stays: whitespace, which may be the thought's last, and what may become its closing tag.
    const sure = this.#isEnding ? rest : rest.slice(0, partAt(rest, this.#close)).trimEnd();
    if (sure === "") return undefined;
    this.#think(sure);
    this.#held = rest.slice(sure.length);
    return "";
  }

  /** Where the closing tag stands; -1 when it is not there yet. */
  #endOfThought(rest: string): number {
    const text = rest.toLowerCase();
    let end = text.indexOf(this.#close);
    while (end > 0 && text[end - 1] === "`") {
      const behind = text[end + this.#close.length];
      if (behind === undefined) return this.#isEnding ? end : -1;
      if (behind !== "`") break;
      end = text.indexOf(this.#close, end + 1);
    }
    return end;
  }

  #readText(rest: string): string | undefined {
    for (let at = rest.search(/[<◁]/); at >= 0 && at < rest.length; at++) {
      if (rest[at] !== "<" && rest[at] !== "◁") continue;
      const here = rest.slice(at, at + MAX_TAG);
      const tag = tagAt(here, OPENING) ?? tagAt(here, CLOSING);
      const isPart = tag === undefined && isPartOf(rest.slice(at), [...OPENING, ...CLOSING]);
      if (tag === undefined && !isPart) continue;
      this.#say(rest.slice(0, at));
      const behind = rest.slice(at + (tag?.length ?? 0));
      const isKnown = tag !== undefined && !/^[ \t\r]*$/.test(behind);
      if (!isKnown && !this.#isEnding) {
        this.#held = rest.slice(at);
        return "";
      }
      if (tag !== undefined && this.#takeTag(tag, behind)) return behind;
      this.#say(tag ?? behind);
      return tag === undefined ? "" : behind;
    }
    this.#say(rest);
    return "";
  }

  /** Whether the tag counts, where it stands. */
  #takeTag(tag: string, behind: string): boolean {
    if (this.#fence !== "" || this.#ticks % 2 === 1) return false;
    const isOpening = OPENING.includes(tag.toLowerCase());
    if (isOpening) {
      if (this.#head.trim() !== "" || !/^[ \t\r]*(\n|$)/.test(behind)) return false;
      this.#begin(tag);
      return true;
    }
    if (this.#hasThought || isWithinSentence(this.#tail, behind)) return false;
    this.#out.reasoning += this.#out.content;
    this.#out.content = "";
    this.#out.wasReasoning = true;
    this.#hasThought = true;
    this.#hasContent = false;
    this.#endLine();
    this.#mode = "start";
    return true;
  }

  #begin(open: string): void {
    this.#close = CLOSING[OPENING.indexOf(open.toLowerCase())] ?? "";
    this.#mode = "thought";
    this.#isThoughtBegun = false;
  }

  #think(text: string): void {
    const words = this.#isThoughtBegun ? text : text.trimStart();
    if (words === "") return;
    // Several thoughts are parted as paragraphs.
    if (!this.#isThoughtBegun && this.#hasThought) this.#out.reasoning += "\n\n";
    this.#isThoughtBegun = true;
    this.#out.reasoning += words;
  }

  #say(text: string): void {
    if (text === "") return;
    this.#hasContent = true;
    this.#out.content += text;
    for (const [at, part] of text.split("\n").entries()) {
      if (at > 0) {
        this.#fence = fenceAfter(this.#head, this.#fence);
        this.#endLine();
      }
      if (this.#head.length < MAX_EDGE) this.#head += part.slice(0, MAX_EDGE);
      this.#tail = (this.#tail + part.slice(-MAX_EDGE)).slice(-MAX_EDGE);
      if (part.includes("`")) this.#ticks += part.split("`").length - 1;
    }
  }

  #endLine(): void {
    this.#head = this.#tail = "";
    this.#ticks = 0;
  }
}

const nothing = (): SplitText => ({ content: "", reasoning: "", wasReasoning: false });

/** The tag that the text begins with, as it is written there. */
function tagAt(text: string, tags: readonly string[]): string | undefined {
  const start = text.slice(0, MAX_TAG).toLowerCase();
  const tag = tags.find((each) => start.startsWith(each));
  return tag && text.slice(0, tag.length);
}

/** Whether the text may yet become one of the tags. */
function isPartOf(text: string, tags: readonly string[]): boolean {
  if (text === "" || text.length >= MAX_TAG) return false;
  const start = text.toLowerCase();
  return tags.some((tag) => tag.length > start.length && tag.startsWith(start));
}

/** Where at the text's end the tag may begin, back-ticks before it included. */
function partAt(text: string, tag: string): number {
  for (let at = Math.max(0, text.length - tag.length - 1); at < text.length; at++) {
    const end = text.slice(text[at] === "`" ? at + 1 : at).toLowerCase();
    if (tag.startsWith(end)) return at;
  }
  return text.length;
}

/** The marker of the code block that is open after this line; empty outside of one. */
function fenceAfter(line: string, fence: string): string {
  const marker = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1];
  if (marker === undefined) return fence;
  if (fence === "") return marker;
  return marker.startsWith(fence) && line.trim() === marker ? "" : fence;
}

function isWithinSentence(before: string, behind: string): boolean {
  if (/["'“‘«(]$/.test(before)) return true;
  return /\S[ \t]+$/.test(before) && /^[ \t]*[\p{Ll},.;:!?)]/u.test(behind) &&
    !/[.!?…][ \t]+$/.test(before);
}
