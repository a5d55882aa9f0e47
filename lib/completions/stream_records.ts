import type { AnswerOutcome } from "../protocol/answer_outcome.ts";
import type { ResumeAnswer } from "../protocol/events.ts";
import type { Dictionary, StateStore } from "../state/state_store.ts";
import { AnswerText, type StreamPart } from "./answer_text.ts";

/** What streams need of the shared state. */
export type StreamStore = Pick<StateStore, "values" | "dictionary">;

/** How a generation ended, for those who come back: the refusal stands in its text. */
export type StreamEnd = Omit<AnswerOutcome, "usage" | "timing" | "refusal">;

/** Where a generation stands, for who comes back at another instance. */
export interface StreamHead extends StreamEnd {
  generation: string;
  userId: string;
  /** The instance that runs it. */
  owner: string;
  state: "running" | "ended";
  /** The last seq, once it has ended. */
  seq?: number;
}

/** A running stream, as the sweep finds it. */
export interface RunningStream {
  userId: string;
  chatId: string;
  messageId: string;
  owner: string;
  taskId?: string;
}

/** Open WebUI's own record of a stream that runs (`tasks:response_streams`). */
export interface ResponseStream {
  chat_id: string;
  message_id: string;
  content: string;
  output: unknown[];
}

/** What the log keeps of a batch; a part without reasoning is a string. */
export type LogBatch = (string | [content: string, reasoning: string] | StreamPart)[];

/** A batch behind the seq of its first part. */
export type NumberedBatch = [from: number, batch: LogBatch];

/** An entry of an instance's journal, by generation. */
export type JournalEntry = Record<string, NumberedBatch>;

/** What a stream leaves in the store ends by itself, if nobody is left to end it. */
export const STORED_TTL_MS = 24 * 3600_000;

export function encodeBatch(parts: readonly StreamPart[]): LogBatch {
  return parts.map((part) => {
    const { content, reasoning, wasReasoning, refusal, files } = part;
    if (wasReasoning || refusal !== undefined || files) return part;
    return reasoning === "" ? content : [content, reasoning];
  });
}

function decodePart(part: LogBatch[number]): StreamPart {
  if (typeof part === "string") return { content: part, reasoning: "" };
  return Array.isArray(part) ? { content: part[0], reasoning: part[1] } : part;
}

/**
 * A generation's log: the seq of a batch's first part → the batch. `noted`: what its instance's journal
 * had of it before this. Written twice, a part counts once.
 */
export async function readLog(
  log: Dictionary<LogBatch>,
  noted: readonly NumberedBatch[] = [],
): Promise<AnswerText> {
  const batches = [...noted];
  for await (const page of log.scan()) {
    for (const [from, batch] of page) batches.push([Number(from), batch]);
  }
  const text = new AnswerText();
  // Behind a gap nothing is known for certain: what stands before it is an answer, the rest isn't.
  const [first] = joinBatches(batches);
  if (first?.[0] === 1) { for (const part of first[1]) text.append(decodePart(part)); }
  return text;
}

/** The same parts in as few batches as can be. Of two that begin at the same seq, one continues the other. */
export function joinBatches(batches: readonly NumberedBatch[]): NumberedBatch[] {
  const joined: NumberedBatch[] = [];
  for (const [from, batch] of batches.toSorted(([a], [b]) => a - b)) {
    const last = joined.at(-1);
    const known = last ? last[0] + last[1].length - from : -1;
    if (last && known >= 0) { for (const part of batch.slice(known)) last[1].push(part); }
    else joined.push([from, [...batch]]);
  }
  return joined;
}

export interface ResumeQuery {
  /** Who asks: streams of somebody else are answered as if there were none. */
  userId: string;
  chatId: string;
  /** Default: the chat's newest stream. */
  messageId?: string | undefined;
  /** The last seq that was seen. Default: 0. */
  after?: number | undefined;
  /** The generation to which `after` belongs; of another one, the answer is the whole text. */
  generation?: string | undefined;
}

/** What a client that has seen `after` is told of a stream. */
export function resumeAnswer(
  text: AnswerText,
  after: number,
  stream: { generation: string; seq: number; end: StreamEnd | undefined },
): ResumeAnswer {
  const { content, reasoning, wasReasoning, files, ...rest } = text.after(after);
  const { generation, seq, end } = stream;
  // With the end comes the whole of it, as in the last event.
  const refusal = end ? text.after(0).refusal : rest.refusal;
  return {
    active: end === undefined,
    generation,
    seq,
    content,
    ...(reasoning !== "" && { reasoning }),
    ...(wasReasoning && { was_reasoning: true }),
    ...(refusal !== undefined && { refusal }),
    ...(files && { files }),
    done: end !== undefined,
    ...end,
  };
}
