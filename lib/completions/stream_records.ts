import type { CompletionData } from "../protocol/events.ts";
import type { Dictionary } from "../state/state_store.ts";

/** What one event adds to an answer. */
export interface StreamPart {
  content: string;
  reasoning: string;
}

/** Where a generation stands, for who comes back at another instance. */
export interface StreamHead {
  generation: string;
  userId: string;
  /** The instance that runs it. */
  owner: string;
  state: "running" | "ended";
  /** The last seq, once it has ended. */
  seq?: number;
  error?: CompletionData["error"];
  interrupted?: boolean;
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
export type LogBatch = (string | [content: string, reasoning: string])[];

export function encodeBatch(parts: readonly StreamPart[]): LogBatch {
  return parts.map(({ content, reasoning }) => reasoning === "" ? content : [content, reasoning]);
}

/** A generation's log: the seq of a batch's first part → the batch. Written twice, it counts once. */
export async function readLog(log: Dictionary<LogBatch>): Promise<StreamPart[]> {
  const batches: [from: number, batch: LogBatch][] = [];
  for await (const page of log.scan()) {
    for (const [from, batch] of page) batches.push([Number(from), batch]);
  }
  const parts: StreamPart[] = [];
  for (const [from, batch] of batches.sort(([a], [b]) => a - b)) {
    // Behind a gap nothing is known for certain: what stands before it is an answer, the rest isn't.
    if (from !== parts.length + 1) break;
    for (const part of batch) {
      const [content, reasoning] = typeof part === "string" ? [part, ""] : part;
      parts.push({ content, reasoning });
    }
  }
  return parts;
}

/** The text of the seqs after `after`. */
export function textAfter(parts: readonly StreamPart[], after: number): StreamPart {
  const rest = parts.slice(Math.max(0, after));
  return {
    content: rest.map(({ content }) => content).join(""),
    reasoning: rest.map(({ reasoning }) => reasoning).join(""),
  };
}
