import { type AnswerFile, type AnswerOutcome, outcomeOf } from "../protocol/answer_outcome.ts";
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
  files?: AnswerFile[];
  outcome?: AnswerOutcome;
}

/**
 * Where an answer stands. `waiting`: nothing has come yet. `lost`: the instance that writes it does
 * not answer, so that it goes on, or will have crashed. `stopped`: somebody has ended it.
 * `crashed`: its instance died, and with it what was not said. `failed`: `error` says why.
 */
export type AnswerState =
  | "waiting"
  | "streaming"
  | "lost"
  | "done"
  | "stopped"
  | "crashed"
  | "failed";

/** What there is of an answer: a new object at each change. */
export interface AnswerSnapshot {
  readonly state: AnswerState;
  readonly content: string;
  readonly reasoning: string;
  /** The model's own words in which it refuses. */
  readonly refusal: string;
  /** Pictures that the model returned. */
  readonly files: readonly AnswerFile[];
  /** `undefined`: nothing has come yet. */
  readonly generation: string | undefined;
  /** The last seq that the text holds. */
  readonly seq: number;
  readonly isDone: boolean;
  /** How it ended. */
  readonly outcome: Readonly<AnswerOutcome>;
}

/** What an answer has grown by. */
export interface AnswerDelta {
  readonly content: string;
  readonly reasoning: string;
  /** The text has begun anew, and what was said before does not count. */
  readonly isReset: boolean;
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
  /** Changes when the text does anything but grow. */
  #begun = 0;
  #snapshot: AnswerSnapshot | undefined;
  #isLost = false;
  #begunOf = new WeakMap<AnswerSnapshot, number>();

  get state(): AnswerState {
    const { error, interrupted, stopped } = this.outcome;
    if (!this.isDone && this.#isLost) return "lost";
    if (!this.isDone) return this.generation === undefined ? "waiting" : "streaming";
    if (error) return "failed";
    return stopped ? "stopped" : interrupted ? "crashed" : "done";
  }

  /** What there is now; the same object until something changes. */
  get snapshot(): AnswerSnapshot {
    if (this.#snapshot) return this.#snapshot;
    const { state, content, reasoning, refusal, files, generation, seq, isDone, outcome } = this;
    const text = { content, reasoning, refusal, files };
    const snapshot: AnswerSnapshot = { state, ...text, generation, seq, isDone, outcome };
    this.#begunOf.set(snapshot, this.#begun);
    return this.#snapshot = snapshot;
  }

  /** What has come since; `undefined`: nothing. */
  deltaSince(before: AnswerSnapshot | undefined): AnswerDelta | undefined {
    const isSame = before === undefined ? true : this.#begunOf.get(before) === this.#begun;
    const [contentLength, reasoningLength] = before && isSame
      ? [before.content.length, before.reasoning.length]
      : [0, 0];
    const content = this.content.slice(contentLength);
    const reasoning = this.reasoning.slice(reasoningLength);
    if (isSame && content === "" && reasoning === "") return undefined;
    const isReset = !isSame && (before?.content !== "" || before.reasoning !== "");
    return { content, reasoning, isReset };
  }

  /** Whether the generation has been replaced by a newer one that was seen. */
  isReplaced(generation: string): boolean {
    return this.#replaced.has(generation);
  }

  merge(event: CompletionEvent): Merge {
    const merged = this.#merge(event);
    if (merged === "ignored") return merged;
    this.#isLost = false;
    this.#snapshot = undefined;
    return merged;
  }

  #merge({ seq, from = seq, data: { data } }: CompletionEvent): Merge {
    if (this.#replaced.has(data.generation)) return "ignored";
    if (data.generation !== this.generation) {
      if (from !== 1) return "gap";
      this.#begin(data.generation);
    }
    // Who has read on beyond the log of an instance that died is told an end that stands before it.
    if (seq <= this.seq) return data.done && !this.isDone ? "gap" : "ignored";
    if (this.isDone && this.outcome.interrupted) {
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
    this.#snapshot = undefined;
    this.#isLost = answer.lost === true;
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
    { content, reasoning = "", files = [], outcome = {} }: StoredAnswer,
  ): void {
    this.#snapshot = undefined;
    // What is stored as a rule goes on where the stream was lost.
    if (!content.startsWith(this.content) || !reasoning.startsWith(this.reasoning)) this.#begun++;
    this.content = content;
    this.reasoning = reasoning;
    this.files = files;
    this.#end(outcome);
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
    this.#begun++;
    this.reasoning += this.content;
    this.content = "";
  }

  #clear(): void {
    if (this.content !== "" || this.reasoning !== "") this.#begun++;
    this.content = this.reasoning = this.refusal = "";
    this.files = [];
    this.seq = 0;
    this.isDone = false;
    this.outcome = {};
  }

  #end(end: AnswerOutcome): void {
    this.isDone = true;
    if (end.refusal !== undefined) this.refusal = end.refusal;
    const { refusal, outcome: { usage } } = this;
    this.outcome = outcomeOf({ usage, ...end, ...(refusal !== "" && { refusal }) });
  }
}
