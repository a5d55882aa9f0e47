import type { AnswerFile, ToolCall } from "../protocol/answer_outcome.ts";
import type { CompletionChunk } from "./model_provider.ts";
import { ToolCalls } from "./tool_calls.ts";

/** How an answer has ended so far, in the words of `lib/protocol/answer_outcome.ts`. */
export interface AnswerEndSoFar {
  finish_reason?: string;
  refusal?: string;
  tool_calls?: ToolCall[];
  files?: AnswerFile[];
}

/** What a read of the stream brought, for somebody who shows an answer's words and its end. */
export interface AnswerPart {
  /** All content before this was a thought. */
  wasReasoning?: true;
  content?: string;
  /** What is known of the end from now on, whole. */
  end?: AnswerEndSoFar;
}

/** An answer's words as they come, without its thoughts, and its end as it becomes known. */
export async function* answerParts(
  chunks: AsyncIterable<CompletionChunk>,
): AsyncGenerator<AnswerPart> {
  const calls = new ToolCalls();
  const end: AnswerEndSoFar = {};
  for await (const chunk of chunks) {
    const { content, wasReasoning, finishReason, refusal, files, toolCalls } = chunk;
    if (finishReason !== undefined) end.finish_reason = finishReason;
    if (refusal) end.refusal = (end.refusal ?? "") + refusal;
    if (files) end.files = [...end.files ?? [], ...files];
    if (toolCalls) calls.push(toolCalls);
    const whole = toolCalls && calls.whole();
    if (whole) end.tool_calls = whole;
    const isEndChanged = finishReason !== undefined || refusal || files || whole;
    yield {
      ...(wasReasoning && { wasReasoning }),
      ...(content !== undefined && { content }),
      ...(isEndChanged && { end: { ...end } }),
    };
  }
}
