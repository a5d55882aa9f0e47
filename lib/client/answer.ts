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
  /** Where it stands; what a page shows as a light or a word. */
  readonly state: AnswerState;
  /** The text so far. */
  readonly content: string;
  /** What the model has thought so far, where it tells that. */
  readonly reasoning: string;
  /** The model's own words in which it refuses. */
  readonly refusal: string;
  /** Pictures that the model returned. */
  readonly files: readonly AnswerFile[];
  /** `undefined`: nothing has come yet. */
  readonly generation: string | undefined;
  /** The last seq that the text holds. */
  readonly seq: number;
  /** Whether nothing more will come, however it ended. */
  readonly isDone: boolean;
  /** How it ended. */
  readonly outcome: Readonly<AnswerOutcome>;
}

/** What an answer has grown by. */
export interface AnswerDelta {
  /** What is new in the text. */
  readonly content: string;
  /** What is new in the thought. */
  readonly reasoning: string;
  /** The text has begun anew, and what was said before does not count. */
  readonly isReset: boolean;
}

/** Generations that are remembered as replaced. */
const MAX_REPLACED = 16;

/** A snapshot with what only the merging goes by. */
interface Kept extends AnswerSnapshot {
  /** Rises when the text does anything but grow. */
  readonly begun: number;
  readonly isLost: boolean;
}

/** What an answer grows by, whoever tells it. */
interface Growth {
  content?: string | undefined;
  reasoning?: string | undefined;
  refusal?: string | undefined;
  files?: readonly AnswerFile[] | undefined;
  was_reasoning?: true | undefined;
}

const NOTHING = {
  ...{ state: "waiting", content: "", reasoning: "", refusal: "", files: [] },
  ...{ generation: undefined, seq: 0, isDone: false, outcome: {}, begun: 0, isLost: false },
} as const satisfies Kept;

/**
 * The text of one message as it streams: every token once, in order (docs/protocol.md, section 7). It only
 * merges; who asks for what is missing is the handler.
 */
export class Answer {
  readonly #replaced = new Set<string>();
  #now: Kept = NOTHING;

  /** What there is now; the same object until something changes. */
  get snapshot(): AnswerSnapshot {
    return this.#now;
  }

  /** What has come since; `undefined`: nothing. */
  deltaSince(before: AnswerSnapshot | undefined): AnswerDelta | undefined {
    const isSame = !before || (before as Kept).begun === this.#now.begun;
    const from = isSame ? before : undefined;
    const content = this.#now.content.slice(from?.content.length);
    const reasoning = this.#now.reasoning.slice(from?.reasoning.length);
    if (isSame && content + reasoning === "") return undefined;
    return { content, reasoning, isReset: !isSame && before.content + before.reasoning !== "" };
  }

  /** Whether the generation has been replaced by a newer one that was seen. */
  isReplaced(generation: string): boolean {
    return this.#replaced.has(generation);
  }

  /** Takes a live event. */
  merge(event: CompletionEvent): Merge {
    const merged = this.#merge(event);
    if (merged !== "ignored") this.#set({ isLost: false });
    return merged;
  }

  #merge({ seq, from = seq, data: { data } }: CompletionEvent): Merge {
    const { generation, choices, files, usage, done } = data;
    if (this.#replaced.has(generation)) return "ignored";
    if (generation !== this.#now.generation) {
      if (from !== 1) return "gap";
      this.#begin(generation);
    }
    const { isDone, outcome, seq: last } = this.#now;
    // Who has read on beyond the log of an instance that died is told an end that stands before it.
    if (seq <= last) return done && !isDone ? "gap" : "ignored";
    if (isDone && outcome.interrupted) {
      // Its instance was only cut off from the others: the end that they told was none, and stands
      // where the text goes on.
      this.#begin(generation);
      return "gap";
    }
    // A merged event can't be split: what overlaps is asked for from where the text stands.
    if (from !== last + 1) return "gap";
    const { reasoning_content: reasoning, ...delta } = choices?.[0].delta ?? {};
    this.#grow(seq, { ...delta, reasoning, files });
    if (usage) this.#set({ outcome: { ...this.#now.outcome, usage } });
    if (done) this.#end(data);
    return "applied";
  }

  /** Takes what was missed. `false`: the server knows nothing of a stream (any more). */
  resumed(answer: ResumeAnswer): boolean {
    const { generation, seq, done, refusal, lost = false } = answer;
    if (generation === undefined) return false;
    if (this.#replaced.has(generation)) return true;
    if (generation !== this.#now.generation) this.#begin(generation);
    // Of the generation that was asked for, this is what comes after our seq; its refusal is whole.
    this.#grow(Math.max(this.#now.seq, seq), { ...answer, refusal: done ? "" : refusal });
    this.#set({ isLost: lost });
    if (done) this.#end(answer);
    return true;
  }

  /** Takes the text as it is stored: the stream is over, or can't be asked any more. */
  replace({ content, reasoning = "", files = [], outcome = {} }: StoredAnswer): void {
    const now = this.#now;
    // What is stored as a rule goes on where the stream was lost.
    const goesOn = content.startsWith(now.content) && reasoning.startsWith(now.reasoning);
    this.#set({ content, reasoning, files, begun: now.begun + (goesOn ? 0 : 1) });
    this.#end(outcome);
  }

  #set(change: Partial<Kept>): void {
    const now = { ...this.#now, ...change };
    this.#now = { ...now, state: stateOf(now) };
  }

  /** The generation from its beginning; the one before it, if it is another, is over. */
  #begin(generation: string): void {
    const { generation: old, content, reasoning, begun } = this.#now;
    if (old !== undefined && old !== generation) {
      this.#replaced.add(old);
      const [oldest] = this.#replaced;
      if (oldest !== undefined && this.#replaced.size > MAX_REPLACED) this.#replaced.delete(oldest);
    }
    this.#set({ ...NOTHING, generation, begun: begun + (content + reasoning ? 1 : 0) });
  }

  #grow(seq: number, more: Growth): void {
    let { content, reasoning, refusal, files, begun } = this.#now;
    if (more.was_reasoning) {
      // What was said so far was a thought, of which only the end was marked.
      reasoning += content;
      content = "";
      begun++;
    }
    content += more.content ?? "";
    reasoning += more.reasoning ?? "";
    refusal += more.refusal ?? "";
    if (more.files) files = [...files, ...more.files];
    this.#set({ content, reasoning, refusal, files, begun, seq });
  }

  #end(end: AnswerOutcome): void {
    const { outcome: { usage }, refusal: said } = this.#now;
    const { refusal = said } = end;
    const outcome = outcomeOf({ usage, ...end, refusal: refusal || undefined });
    this.#set({ isDone: true, refusal, outcome });
  }
}

function stateOf({ isDone, isLost, generation, outcome }: Kept): AnswerState {
  if (!isDone) return isLost ? "lost" : generation === undefined ? "waiting" : "streaming";
  if (outcome.error) return "failed";
  return outcome.stopped ? "stopped" : outcome.interrupted ? "crashed" : "done";
}
