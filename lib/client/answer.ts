import type { AnswerFile, AnswerOutcome } from "../protocol/answer_outcome.ts";
import type { CompletionEvent, ResumeAnswer } from "../protocol/events.ts";

/** What one event did to the answer. */
export type Merge =
  /** It was the next: the text has grown. */
  | "applied"
  /** It is known already, or of a generation that a newer one has replaced. */
  | "ignored"
  /** Something before it is missing. */
  | "gap";

/** An answer as it is stored. */
export interface StoredAnswer {
  content: string;
  reasoning?: string;
  isInterrupted?: boolean;
  files?: AnswerFile[];
  outcome?: AnswerOutcome;
}

/** Generations that are remembered as replaced. */
const MAX_REPLACED = 16;

/**
 * The text of one message as it streams: every token once, in order (docs/protocol.md, section 7). It only
 * merges; who asks for what is missing is the handler.
 */
export class Answer {
  content = "";
  reasoning = "";
  /** The model's own words in which it refuses. */
  refusal = "";
  /** Pictures that the model returned. */
  files: AnswerFile[] = [];
  generation: string | undefined;
  /** The last seq that the text holds. */
  seq = 0;
  isDone = false;
  /** How it ended; what a model used may be told before. */
  outcome: AnswerOutcome = {};
  readonly #replaced = new Set<string>();

  get isInterrupted(): boolean {
    return this.outcome.interrupted === true;
  }

  get error(): AnswerOutcome["error"] {
    return this.outcome.error;
  }

  get usage(): AnswerOutcome["usage"] {
    return this.outcome.usage;
  }

  /** Whether the generation has been replaced by a newer one that was seen. */
  isReplaced(generation: string): boolean {
    return this.#replaced.has(generation);
  }

  merge({ seq, from = seq, data: { data } }: CompletionEvent): Merge {
    if (this.#replaced.has(data.generation)) return "ignored";
    if (data.generation !== this.generation) {
      if (from !== 1) return "gap";
      this.#begin(data.generation);
    }
    // Who has read on beyond the log of an instance that died is told an end that stands before it.
    if (seq <= this.seq) return data.done && !this.isDone ? "gap" : "ignored";
    if (this.isDone && this.isInterrupted) {
      // Its instance was only cut off from the others: the end that they told was none, and stands
      // where the text goes on.
      this.#clear();
      return "gap";
    }
    // A merged event can't be split: what overlaps is asked for from where the text stands.
    if (from !== this.seq + 1) return "gap";
    const delta = data.choices?.[0].delta;
    if (delta?.was_reasoning) this.#takeForReasoning();
    this.content += delta?.content ?? "";
    this.reasoning += delta?.reasoning_content ?? "";
    this.refusal += delta?.refusal ?? "";
    if (data.files) this.files = [...this.files, ...data.files];
    this.seq = seq;
    if (data.usage) this.outcome = { ...this.outcome, usage: data.usage };
    if (data.done) this.#end(data);
    return "applied";
  }

  /** Takes what was missed. `false`: the server knows nothing of a stream (any more). */
  resumed(answer: ResumeAnswer): boolean {
    const { generation, seq, content, reasoning = "" } = answer;
    if (generation === undefined) return false;
    if (this.#replaced.has(generation)) return true;
    if (generation !== this.generation) this.#begin(generation);
    // Of the generation that was asked for, this is what comes after our seq.
    if (answer.was_reasoning) this.#takeForReasoning();
    this.content += content;
    this.reasoning += reasoning;
    if (!answer.done) this.refusal += answer.refusal ?? "";
    if (answer.files) this.files = [...this.files, ...answer.files];
    this.seq = Math.max(this.seq, seq);
    if (answer.done) this.#end(answer);
    return true;
  }

  /** Takes the text as it is stored: the stream is over, or can't be asked any more. */
  replace(
    { content, reasoning = "", isInterrupted, files = [], outcome = {} }: StoredAnswer,
  ): void {
    this.content = content;
    this.reasoning = reasoning;
    this.files = files;
    this.#end({ ...outcome, ...(isInterrupted && { interrupted: true }) });
  }

  #begin(generation: string): void {
    if (this.generation !== undefined) {
      this.#replaced.add(this.generation);
      const [oldest] = this.#replaced;
      if (oldest !== undefined && this.#replaced.size > MAX_REPLACED) this.#replaced.delete(oldest);
    }
    this.generation = generation;
    this.#clear();
  }

  /** What was said so far was a thought, of which only the end was marked. */
  #takeForReasoning(): void {
    this.reasoning += this.content;
    this.content = "";
  }

  #clear(): void {
    this.content = this.reasoning = this.refusal = "";
    this.files = [];
    this.seq = 0;
    this.isDone = false;
    this.outcome = {};
  }

  #end({ finish_reason, refusal, tool_calls, error, interrupted, usage }: AnswerOutcome): void {
    this.isDone = true;
    if (refusal !== undefined) this.refusal = refusal;
    this.outcome = {
      ...this.outcome.usage && { usage: this.outcome.usage },
      ...(finish_reason !== undefined && { finish_reason }),
      ...(this.refusal !== "" && { refusal: this.refusal }),
      ...(tool_calls && { tool_calls }),
      ...(error && { error }),
      ...(interrupted && { interrupted }),
      ...(usage && { usage }),
    };
  }
}
