import { readChunk } from "./openai_chunk.ts";

/** What stands around the text in every event of an answer, and around what means nothing. */
interface Frame {
  before: string;
  /** Behind the text; with filler in the event, up to that. */
  behind: string;
  /** Behind the filler, where there is one. */
  last: string | undefined;
}

/** A text that no provider says. */
const PROBE = "0f1c2a7e-probe";
/** OpenAI pads its events with letters of no meaning, so that their lengths tell nothing. */
const FILLER = "obfuscation";
/** What is not in a JSON string just as it is written. */
// deno-lint-ignore no-control-regex -- these are the control characters that JSON forbids
const SPECIAL = /["\\\u0000-\u001f]/;
/** Shorter texts are no pictures, and copied by the engine instead of kept with all their line. */
const MAX_LENGTH = 12;
/** After so many frames in vain there is none. */
const MAX_TRIES = 8;

/**
 * Providers say every token in the same words: only the text is another. Once it is known what stands
 * around it, the text of the next line is read without making objects of all the rest.
 *
 * A frame is learnt from an event that said a piece of content and nothing else. Put between the same
 * words, any other text without quotes, back-slashes and control characters is the same event with
 * that text.
 */
export class DeltaTemplate {
  #frame: Frame | undefined;
  #tries = 0;

  /** The content of a line that differs in nothing else; `undefined` for any other line. */
  contentOf(line: string): string | undefined {
    const frame = this.#frame;
    if (frame === undefined || !line.startsWith(frame.before)) return undefined;
    const from = frame.before.length;
    const to = frame.last === undefined
      ? line.length - frame.behind.length
      : line.indexOf(frame.behind, from);
    if (to <= from || !line.endsWith(frame.behind, to + frame.behind.length)) return undefined;
    const content = line.slice(from, to);
    if (SPECIAL.test(content)) return undefined;
    if (frame.last !== undefined) {
      const [fillerAt, end] = [to + frame.behind.length, line.length - frame.last.length];
      if (end < fillerAt || !line.endsWith(frame.last)) return undefined;
      if (SPECIAL.test(line.slice(fillerAt, end))) return undefined;
    }
    this.#tries = 0;
    // A part of a line would keep the whole line in memory.
    return content.length <= MAX_LENGTH ? content : JSON.parse(`"${content}"`);
  }

  /** Learns from a line, whose JSON said this content and nothing else. */
  learn(line: string, json: string, content: string): void {
    if (this.#tries >= MAX_TRIES) return;
    this.#tries++;
    this.#frame = frameOf(line, json, content);
  }
}

function frameOf(line: string, json: string, content: string): Frame | undefined {
  const [start, said] = [line.lastIndexOf(json), JSON.stringify(content)];
  const at = json.lastIndexOf(said);
  if (start < 0 || at < 0 || content === "" || SPECIAL.test(content)) return undefined;
  const before = json.slice(0, at + 1);
  const behind = json.slice(at + said.length - 1);
  // The same text may stand elsewhere in the event: it is the right place if another text there is read.
  const probe: Record<string, unknown> = JSON.parse(before + PROBE + behind);
  if (readChunk(probe).content !== PROBE) return undefined;
  const outer = { before: line.slice(0, start) + before, end: line.slice(start + json.length) };
  const filler = probe[FILLER];
  if (typeof filler !== "string" || SPECIAL.test(filler)) {
    return { before: outer.before, behind: behind + outer.end, last: undefined };
  }
  const fillerAt = behind.lastIndexOf(`"${FILLER}":"${filler}"`);
  if (fillerAt < 0) return undefined;
  const [from, length] = [fillerAt + FILLER.length + 4, filler.length];
  return {
    before: outer.before,
    behind: behind.slice(0, from),
    last: behind.slice(from + length) + outer.end,
  };
}
