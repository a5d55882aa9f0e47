/** An answer as it streams, and the message on the page. */
import type { Answer, StoredAnswer } from "../client/answer.ts";
import type { AnswerFile } from "../protocol/answer_outcome.ts";
import type { ChatMessage } from "../protocol/chat.ts";

/** The message with what has streamed of it. */
export function streamedInto(message: ChatMessage, answer: Answer): ChatMessage {
  const { content, reasoning, refusal, files, outcome, isDone } = answer;
  return {
    ...withoutEnd(message),
    ...outcome,
    content,
    ...(reasoning !== "" && { reasoning_content: reasoning }),
    ...(refusal !== "" && { refusal }),
    ...(files.length > 0 && { files }),
    done: isDone,
  };
}

/** What is stored of an answer that nobody streams any more; without an end it was cut off. */
export function storedAnswer(message: ChatMessage | undefined): StoredAnswer {
  const { content = "", reasoning_content: reasoning, interrupted, files } = message ?? {};
  const { finish_reason, refusal, tool_calls, error, usage } = message ?? {};
  return {
    content,
    ...(reasoning !== undefined && { reasoning }),
    isInterrupted: interrupted === true || message?.done !== true,
    ...(files && { files: files as AnswerFile[] }),
    outcome: {
      ...(finish_reason !== undefined && { finish_reason }),
      ...(refusal !== undefined && { refusal }),
      ...(tool_calls && { tool_calls }),
      ...(error && { error: error as StoredError }),
      ...(usage && { usage }),
    },
  };
}

type StoredError = NonNullable<NonNullable<StoredAnswer["outcome"]>["error"]>;

/** The end of an older generation is none of this one. */
function withoutEnd(message: ChatMessage): ChatMessage {
  const { finish_reason: _f, refusal: _r, tool_calls: _t, error: _e, ...rest } = message;
  const { interrupted: _i, usage: _u, reasoning_content: _rc, ...left } = rest;
  return left;
}
