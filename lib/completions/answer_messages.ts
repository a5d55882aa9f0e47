import type { ChatMessage } from "../protocol/chat.ts";

/** Which generation of which message. */
export interface AnswerRef {
  userId: string;
  chatId: string;
  messageId: string;
  generation: string;
}

/** What a message holds when its answer has ended. */
export type AnswerEnd =
  & Required<Pick<ChatMessage, "content">>
  & Pick<ChatMessage, "error" | "interrupted" | "usage">
  & { done: true; reasoning_content?: string };

/** The stored messages that answers are written to: a port, tied by `app`. */
export interface AnswerMessages {
  /**
   * Stores that the message is being written (`done: false`, `generation`), its old end gone. A
   * message that is not there is put under its parent.
   */
  begin(ref: AnswerRef, by: { model: string; parentId: string | null }): Promise<void>;
  /**
   * Stores the end as one atomic change, only if the message is still of this generation and not
   * ended: `ended` when it was ended before, `superseded` when it is of another generation or gone.
   */
  finish(ref: AnswerRef, end: AnswerEnd): Promise<"stored" | "ended" | "superseded">;
}
