import type { AnswerFile, AnswerOutcome } from "../protocol/answer_outcome.ts";
import type { StreamPart } from "./answer_text.ts";

/** Which generation of which message. */
export interface AnswerRef {
  userId: string;
  chatId: string;
  messageId: string;
  generation: string;
}

/** What a message holds when its answer has ended. */
export interface AnswerEnd extends AnswerOutcome {
  content: string;
  done: true;
  reasoning_content?: string;
  /** Pictures of the answer: added to the files that others have given the message. */
  files?: AnswerFile[];
}

/** What a generation begins with: the text of the one that it continues. */
export type AnswerBase = Pick<AnswerEnd, "content" | "reasoning_content" | "files">;

/** The text of an answer as its message stores it. */
export function endOf({ content, reasoning, refusal, files }: StreamPart): AnswerEnd {
  return {
    content,
    done: true,
    ...(reasoning !== "" && { reasoning_content: reasoning }),
    ...(refusal !== undefined && { refusal }),
    ...(files && { files }),
  };
}

/** What became of an end that was to be stored. */
export type EndStored = "stored" | "ended" | "superseded" | "gone";

/** The stored messages that answers are written to: a port, tied by `app`. */
export interface AnswerMessages {
  /**
   * Stores that the message is being written (`done: false`, `generation`), its old end gone, its
   * text too unless it is continued (`base`). A message that is not there is put under its parent.
   */
  begin(
    ref: AnswerRef,
    by: { model: string; parentId: string | null; base?: AnswerBase | undefined },
  ): Promise<void>;
  /**
   * Stores the end as one atomic change, only if the message is still of this generation and not
   * ended: `ended` when it was ended before, `superseded` when it is of another generation, `gone`
   * when it is not there any more: its chat was deleted, or the store was emptied. Of an answer that
   * could not begin (`isBegun: false`), the end is stored if the message waits for its first answer.
   */
  finish(ref: AnswerRef, end: AnswerEnd, how?: { isBegun: boolean }): Promise<EndStored>;
}
