import type { ChatMessage } from "../protocol/chat.ts";
import type { AnswerSnapshot } from "./answer.ts";

/** The message with what has streamed of its answer. */
export function streamedInto(message: ChatMessage, answer: AnswerSnapshot): ChatMessage {
  const { content, reasoning, refusal, files, outcome, isDone } = answer;
  return {
    ...withoutEnd(message),
    ...outcome,
    content,
    ...(reasoning !== "" && { reasoning_content: reasoning }),
    ...(refusal !== "" && { refusal }),
    ...(files.length > 0 && { files: [...files] }),
    done: isDone,
  };
}

/** The end of an older generation is none of this one. */
function withoutEnd(message: ChatMessage): ChatMessage {
  const { finish_reason: _f, refusal: _r, tool_calls: _t, error: _e, ...rest } = message;
  const { interrupted: _i, stopped: _s, usage: _u, timing: _ti, ...left } = rest;
  const { reasoning_content: _rc, ...kept } = left;
  return kept;
}
