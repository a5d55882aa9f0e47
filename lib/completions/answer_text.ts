import type { AnswerFile } from "../protocol/answer_outcome.ts";
import { TextSeries } from "./text_series.ts";

/** What one event adds to an answer. */
export interface StreamPart {
  /** All content before this part was reasoning: it becomes that. Only where there was none before. */
  wasReasoning?: true;
  content: string;
  reasoning: string;
  refusal?: string;
  files?: AnswerFile[];
}

/** What a part costs beside its letters: two numbers and its share of the lists, in bytes. */
export const BYTES_PER_PART = 24;

/** The text of one generation by its parts: what comes after each is known, at little cost. */
export class AnswerText {
  readonly #content = new TextSeries();
  readonly #reasoning = new TextSeries();
  readonly #refusal: { seq: number; text: string }[] = [];
  readonly #files: { seq: number; file: AnswerFile }[] = [];
  /** How long each was after each part. */
  readonly #contentEnds: number[] = [];
  readonly #reasoningEnds: number[] = [];
  /** The part before which content became reasoning; 0: none. */
  #movedAt = 0;
  #otherLength = 0;

  /** How many parts there are: the last one's seq. */
  get seq(): number {
    return this.#contentEnds.length;
  }

  /** All letters, those of pictures included, in UTF-16 units. */
  get length(): number {
    return this.#content.length + this.#reasoning.length + this.#otherLength;
  }

  get hasReasoning(): boolean {
    return this.#reasoning.length > 0;
  }

  append(part: StreamPart): void {
    const seq = this.seq + 1;
    if (part.wasReasoning && !this.hasReasoning) {
      this.#reasoning.append(this.#content.from());
      this.#content.clear();
      this.#movedAt = seq;
    }
    this.#content.append(part.content);
    this.#reasoning.append(part.reasoning);
    if (part.refusal) this.#refusal.push({ seq, text: part.refusal });
    for (const file of part.files ?? []) this.#files.push({ seq, file });
    this.#otherLength += lengthOf({ ...part, content: "", reasoning: "" });
    this.#contentEnds.push(this.#content.length);
    this.#reasoningEnds.push(this.#reasoning.length);
  }

  /** What the parts after `seq` add, as one. */
  after(seq: number): StreamPart {
    const at = Math.max(0, seq);
    const beyond = at === 0 ? 0 : Infinity;
    const contentEnd = this.#contentEnds[at - 1] ?? beyond;
    const reasoningEnd = this.#reasoningEnds[at - 1] ?? beyond;
    const isMoved = at < this.#movedAt;
    const refusal = this.#refusal.filter((each) => each.seq > at).map(({ text }) => text).join("");
    const files = this.#files.filter((each) => each.seq > at).map(({ file }) => file);
    return {
      ...(isMoved && at > 0 && { wasReasoning: true as const }),
      // Until it moved, what is reasoning now was read as content.
      content: this.#content.from(isMoved ? 0 : contentEnd),
      reasoning: this.#reasoning.from(isMoved ? contentEnd : reasoningEnd),
      ...(refusal !== "" && { refusal }),
      ...(files.length > 0 && { files }),
    };
  }
}

/** The letters of a part, in UTF-16 units. */
export function lengthOf({ content, reasoning, refusal = "", files = [] }: StreamPart): number {
  const pictures = files.reduce((sum, { url }) => sum + url.length, 0);
  return content.length + reasoning.length + refusal.length + pictures;
}
