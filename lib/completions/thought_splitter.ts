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
  ["<seed:think>", "</seed:think>"],
  ["[think]", "[/think]"],
  ["<|begin_of_thought|>", "<|end_of_thought|>"],
  ["◁think▷", "◁/think▷"],
];
const OPENING = TAGS.map(([open]) => open);
const CLOSING = TAGS.map(([, close]) => close);
/** As much of a line's beginning and end decides whether a tag in it counts, in UTF-16 units. */
const MAX_EDGE = 64;
/** A line's end is cut to that only now and then. */
const MAX_TAIL = 1_024;
const LINE_OR_TICK = /[\n`]/;
/** The longest tag, its attributes included, in UTF-16 units. */
const MAX_TAG = 160;
/** So far is looked for the closing tag that decides about another tag, in UTF-16 units. */
const MAX_AHEAD = 2_000;
/** Each closing tag, but in back-ticks. */
const NEAR = CLOSING.map((tag) =>
  new RegExp(
    "(?<!`)" + tag.slice(0, -1).replace(/[[\]|]/g, "\\$&") + "\\s*[" + tag.at(-1) + "]",
    "i",
  )
);
const BEGINNING = /[<◁[]/;
/** Some give their tags attributes, or a space. */
const ATTRIBUTES = /^\s+(?:[\w:.-]+\s*=\s*(?:"[^"<>]*"|'[^'<>]*'|[^\s"'<>=]+)\s*)*>/;
const BEGUN_ATTRIBUTES = /^\s+(?:[\w:.-]+(?:\s*=[^<>]*)?)?$/;

/**
 * Splits a model's text into what it says and what it thinks, however its deltas are cut.
 *
 * - An opening tag counts at the very beginning, directly behind a thought that ended, and, outside
 *   of code, alone on a line or with a word directly behind it and its closing tag soon after.
 *   Anywhere else it is text.
 * - A closing tag that nothing has opened counts once, outside of code, unless it stands within a
 *   sentence (a space before it, a small letter or a mark behind it) or in quotes: all before it was
 *   a thought.
 * - A thought ends at its own closing tag, unless back-ticks stand around that; one with a thought
 *   in it at the last of their closing tags.
 */
export class ThoughtSplitter {
  #mode: "start" | "text" | "thought" = "start";
  #kind = 0;
  /** How many thoughts within this one are open. */
  #depth = 0;
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
    if (this.#mode === "text" && this.#held === "" && !BEGINNING.test(text)) this.#say(text);
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
    if (open) {
      this.#begin(open.kind);
      return words.slice(open.length);
    }
    const close = tagAt(words, CLOSING);
    if (close && this.#hasThought) return words.slice(close.length);
    const isShort = words === "" || isPartOf(words, OPENING) || isPartOf(words, CLOSING);
    if (isShort && !this.#isEnding) return undefined;
    this.#mode = "text";
    // Behind a thought the answer begins with its first word.
    if (!this.#hasThought || this.#hasContent) return rest;
    return words;
  }

  #readThought(rest: string): string | undefined {
    const pair = [OPENING[this.#kind] ?? "", CLOSING[this.#kind] ?? ""];
    let at = 0;
    for (; at < rest.length; at++) {
      at = nextTag(rest, at);
      const here = rest.slice(at);
      const tag = tagAt(here, pair);
      if (!tag) {
        if (isPartOf(here, pair) && !this.#isEnding) break;
        continue;
      }
      const behind = here.slice(tag.length);
      const isQuoted = rest[at - 1] === "`" && (behind === "" || behind[0] === "`");
      if (behind === "" && !this.#isEnding && (isQuoted || tag.kind === 0)) break;
      if (isQuoted && behind !== "") continue;
      if (tag.kind === 0) {
        const isThought = this.#isThoughtBegun || rest.slice(0, at).trim() !== "";
        if (!/^[^\s,.;:!?)"'”’]/.test(behind) && isThought) continue;
        if (isThought) this.#depth++;
        this.#think(rest.slice(0, at + (isThought ? tag.length : 0)));
        return behind;
      }
      const next = this.#depth > 0 ? this.#hasNear(behind, this.#kind) : false;
      if (next === undefined) {
        this.#think(rest.slice(0, at).trimEnd());
        this.#held = here;
        return "";
      }
      this.#think(rest.slice(0, next ? at + tag.length : at).trimEnd());
      if (next) this.#depth--;
      else {
        this.#hasThought = true;
        this.#mode = "start";
      }
      return behind;
    }
    // What stays: whitespace, which may be the thought's last, and what may become a tag.
    const end = Math.min(at, rest.length);
    const edge = rest[end - 1] === "`" ? end - 1 : end;
    const sure = this.#isEnding ? rest : rest.slice(0, edge).trimEnd();
    if (sure === "") return undefined;
    this.#think(sure);
    this.#held = rest.slice(sure.length);
    return "";
  }

  /** Whether a closing tag comes soon; `undefined` when more must come first. */
  #hasNear(behind: string, kind: number): boolean | undefined {
    if (NEAR[kind]?.test(behind.slice(0, MAX_AHEAD))) return true;
    return this.#isEnding || behind.length >= MAX_AHEAD ? false : undefined;
  }

  #readText(rest: string): string | undefined {
    const tags = [...OPENING, ...CLOSING];
    for (let at = nextTag(rest, 0); at < rest.length; at = nextTag(rest, at + 1)) {
      const here = rest.slice(at);
      const tag = tagAt(here, tags);
      const isPart = tag === undefined && isPartOf(here, tags);
      if (tag === undefined && !isPart) continue;
      this.#say(rest.slice(0, at));
      const behind = here.slice(tag?.length ?? 0);
      const isKnown = tag !== undefined && !/^[ \t\r]*$/.test(behind);
      const counts = tag && (isKnown || this.#isEnding) ? this.#takeTag(tag, behind) : undefined;
      if (counts === undefined && !this.#isEnding) {
        this.#held = here;
        return "";
      }
      if (counts) return behind;
      this.#say(tag ? here.slice(0, tag.length) : behind);
      return tag === undefined ? "" : behind;
    }
    this.#say(rest);
    return "";
  }

  /** Whether the tag counts, where it stands; `undefined` when more must come first. */
  #takeTag({ kind }: Tag, behind: string): boolean | undefined {
    if (this.#fence !== "" || this.#ticks % 2 === 1) return false;
    if (kind < OPENING.length) {
      const isAlone = this.#head.trim() === "" && /^[ \t\r]*(\n|$)/.test(behind);
      const isWord = /^[\p{L}\p{N}]/u.test(behind) && !/["'“‘«(]$/.test(this.#tail);
      const counts = isAlone || (isWord && this.#hasNear(behind, kind));
      if (counts) this.#begin(kind);
      return counts;
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

  #begin(kind: number): void {
    this.#kind = kind;
    this.#depth = 0;
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
    if (!LINE_OR_TICK.test(text)) return this.#sayOn(text);
    for (const [at, part] of text.split("\n").entries()) {
      if (at > 0) {
        this.#fence = fenceAfter(this.#head, this.#fence);
        this.#endLine();
      }
      this.#sayOn(part);
      if (part.includes("`")) this.#ticks += part.split("`").length - 1;
    }
  }

  /** More of the line. */
  #sayOn(part: string): void {
    if (this.#head.length < MAX_EDGE) this.#head += part.slice(0, MAX_EDGE);
    this.#tail += part.slice(-MAX_EDGE);
    if (this.#tail.length > MAX_TAIL) this.#tail = this.#tail.slice(-MAX_EDGE);
  }

  #endLine(): void {
    this.#head = this.#tail = "";
    this.#ticks = 0;
  }
}

const nothing = (): SplitText => ({ content: "", reasoning: "", wasReasoning: false });

/** A tag that was found: which of those that were looked for, and its length as it is written. */
interface Tag {
  kind: number;
  length: number;
}

/** Where the next tag may begin; the text's length when none does. */
function nextTag(text: string, from: number): number {
  const at = text.slice(from).search(BEGINNING);
  return at < 0 ? text.length : from + at;
}

/** The tag that the text begins with. */
function tagAt(text: string, tags: readonly string[]): Tag | undefined {
  const start = text.slice(0, MAX_TAG).toLowerCase();
  for (const [kind, tag] of tags.entries()) {
    if (start.startsWith(tag)) return { kind, length: tag.length };
    if (!tag.endsWith(">") || !start.startsWith(tag.slice(0, -1))) continue;
    const attributes = ATTRIBUTES.exec(start.slice(tag.length - 1))?.[0];
    if (attributes !== undefined) return { kind, length: tag.length - 1 + attributes.length };
  }
  return undefined;
}

/** Whether the text may yet become one of the tags. */
function isPartOf(text: string, tags: readonly string[]): boolean {
  if (text === "" || text.length >= MAX_TAG) return false;
  const start = text.toLowerCase();
  return tags.some((tag) =>
    (tag.length > start.length && tag.startsWith(start)) ||
    (tag.endsWith(">") && start.startsWith(tag.slice(0, -1)) &&
      BEGUN_ATTRIBUTES.test(start.slice(tag.length - 1)))
  );
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
