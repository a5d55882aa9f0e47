import type { CompletionData } from "../protocol/events.ts";

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

/** A batch of the log: the parts of the seqs from `from` on; a part without reasoning is a string. */
interface Batch {
  from: number;
  parts: (string | [content: string, reasoning: string])[];
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function encodeBatch(from: number, parts: readonly StreamPart[]): Uint8Array {
  const batch: Batch = {
    from,
    parts: parts.map(({ content, reasoning }) => reasoning === "" ? content : [content, reasoning]),
  };
  return encoder.encode(JSON.stringify(batch));
}

/** The parts of a log in the order of their seq. A batch that was appended twice counts once. */
export function decodeLog(entries: readonly Uint8Array[]): StreamPart[] {
  const parts: StreamPart[] = [];
  for (const entry of entries) {
    const batch = JSON.parse(decoder.decode(entry)) as Batch;
    // Behind a gap nothing is known for certain: what stands before it is an answer, the rest isn't.
    if (batch.from > parts.length + 1) break;
    for (const part of batch.parts.slice(parts.length + 1 - batch.from)) {
      parts.push(
        typeof part === "string"
          ? { content: part, reasoning: "" }
          : { content: part[0], reasoning: part[1] },
      );
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
