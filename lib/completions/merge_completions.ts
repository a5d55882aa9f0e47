import type { CompletionData, CompletionDelta, CompletionEvent } from "../protocol/events.ts";

function completionOf(args: readonly unknown[]): CompletionEvent | undefined {
  if (args.length !== 2 || args[0] !== "events") return undefined;
  const event = args[1] as Partial<CompletionEvent> | null;
  const isCompletion = event?.data?.type === "chat:completion" && typeof event.seq === "number";
  return isCompletion ? event as CompletionEvent : undefined;
}

/**
 * The stream to which a packet's `[event name, payload]` belongs: packets with one key are of one
 * generation of one message. `undefined` for everything that never merges.
 */
export function completionKey(args: readonly unknown[]): string | undefined {
  const event = completionOf(args);
  if (!event) return undefined;
  return JSON.stringify([event.chat_id, event.message_id, event.data.data.generation]);
}

/**
 * Two packets in a row as one, which says what both said: the last `seq`, `from` for the first, the
 * deltas joined, the end kept (docs/protocol.md, section 7). Leaves its arguments as they are. `undefined`
 * when they do not follow each other without a gap in one stream: then both must be sent.
 */
export function mergeCompletions(
  earlier: readonly unknown[],
  later: readonly unknown[],
): unknown[] | undefined {
  const first = completionOf(earlier);
  const second = completionOf(later);
  if (!first || !second || completionKey(earlier) !== completionKey(later)) return undefined;
  if (first.data.data.done || (second.from ?? second.seq) !== first.seq + 1) return undefined;

  const { choices: _, files: __, ...rest } = { ...first.data.data, ...second.data.data };
  const delta = joinDeltas(first.data.data, second.data.data);
  const files = [...first.data.data.files ?? [], ...second.data.data.files ?? []];
  const data: CompletionData = {
    ...rest,
    ...(delta && { choices: [{ index: 0, delta }] }),
    ...(files.length > 0 && { files }),
  };
  const merged: CompletionEvent = {
    ...second,
    from: first.from ?? first.seq,
    data: { type: "chat:completion", data },
  };
  return ["events", merged];
}

function joinDeltas(first: CompletionData, second: CompletionData): CompletionDelta | undefined {
  const earlier = first.choices?.[0].delta;
  const later = second.choices?.[0].delta;
  if (!earlier || !later) return earlier ?? later;
  const joined: CompletionDelta = {};
  if (earlier.was_reasoning || later.was_reasoning) joined.was_reasoning = true;
  const { content, ...rest } = earlier;
  const before: CompletionDelta = later.was_reasoning && content !== undefined
    ? { ...rest, reasoning_content: (rest.reasoning_content ?? "") + content }
    : earlier;
  for (const field of ["content", "reasoning_content", "refusal"] as const) {
    if (before[field] === undefined && later[field] === undefined) continue;
    joined[field] = (before[field] ?? "") + (later[field] ?? "");
  }
  return joined;
}
