import type { AnswerOutcome } from "../protocol/answer_outcome.ts";
import { type ChatMessage, isTemporary } from "../protocol/chat.ts";
import { storedSize } from "../quotas/user_quotas.ts";
import type { ChatStore } from "./chat_store.ts";

/** Which generation of which message. */
interface AnswerRef {
  userId: string;
  chatId: string;
  messageId: string;
  generation: string;
}

/** The text of an answer that is continued. */
type Base = Partial<Pick<ChatMessage, "content" | "reasoning_content" | "files">>;

interface End extends AnswerOutcome {
  content: string;
  done: true;
  reasoning_content?: string;
  files?: unknown[];
}

/** What a message holds of an answer: gone when it is answered again. */
const LEFT_BY_AN_ANSWER: Partial<ChatMessage> = {
  error: undefined,
  interrupted: undefined,
  stopped: undefined,
  usage: undefined,
  timing: undefined,
  reasoning_content: undefined,
  finish_reason: undefined,
  refusal: undefined,
  tool_calls: undefined,
  files: undefined,
};

type ChatWrites = Pick<
  ChatStore,
  "addMessage" | "answered" | "changeMessage" | "message" | "noteEdit" | "summary"
>;

/** The stored messages that answers are written to. */
export class ChatAnswers {
  readonly #chats: ChatWrites;

  constructor(chats: ChatWrites) {
    this.#chats = chats;
  }

  /**
   * Marks the message as being written by this generation; an older one can't end it any more. One
   * that a client has saved away meanwhile is put back under its parent. Throws `not_found` for a chat that was deleted meanwhile: nothing must be left of it.
   */
  async begin(
    { userId, chatId, messageId, generation }: AnswerRef,
    { model, parentId, base }: { model: string; parentId: string | null; base?: Base | undefined },
  ): Promise<void> {
    if (isTemporary(chatId)) return;
    await this.#chats.summary(userId, chatId);
    let isAgain = false;
    const begin = () =>
      this.#chats.changeMessage(chatId, messageId, (message) => {
        isAgain = message?.done === true;
        if (!message) return undefined;
        const begun = { ...message, ...LEFT_BY_AN_ANSWER, model, generation, done: false };
        return { ...begun, content: "", ...base };
      });
    if (!await begin()) {
      const place = { id: messageId, parentId, childrenIds: [] };
      await this.#chats.addMessage(userId, chatId, { ...place, role: "assistant", content: "" });
      await begin();
    }
    if (isAgain) await this.#chats.noteEdit(userId, chatId, messageId);
  }

  /** Whether the message is of this generation. One that is not stored can't say so. */
  async isCurrent(
    { chatId, messageId, generation }: Omit<AnswerRef, "userId">,
  ): Promise<boolean> {
    if (isTemporary(chatId)) return false;
    return (await this.#chats.message(chatId, messageId))?.generation === generation;
  }

  /**
   * Stores the end, once, and only for the generation that the message is of. An answer that others
   * took for interrupted, while its instance was only cut off from them, gets what it really became.
   * Where it was not begun (`isBegun: false`), also for a message that waits for its first answer.
   */
  async finish(
    { userId, chatId, messageId, generation }: AnswerRef,
    end: End,
    { isBegun } = { isBegun: true },
  ): Promise<"stored" | "ended" | "superseded" | "gone"> {
    if (isTemporary(chatId)) return "stored";
    let outcome: "stored" | "ended" | "superseded" | "gone" = "gone";
    await this.#chats.changeMessage(chatId, messageId, (message) => {
      outcome = !message
        ? "gone"
        : message.generation !== generation && (isBegun || !isUnanswered(message))
        ? "superseded"
        : message.done && !isCorrected(message, end)
        ? "ended"
        : "stored";
      if (!message || outcome !== "stored") return message;
      // What was kept of a continued answer stands in its end, too.
      const files = [...new Map([...filesOf(message), ...filesOf(end)]).values()];
      return {
        ...message,
        interrupted: undefined,
        stopped: undefined,
        ...end,
        ...(files.length > 0 && { files }),
      };
    });
    // TypeScript follows no assignment in a callback.
    if ((outcome as string) === "stored") {
      // The answer is stored whether it is counted or not.
      const told = { text: end.content, bytes: storedSize(end) };
      await this.#chats.answered(userId, chatId, told).catch(() => {});
    }
    return outcome;
  }
}

/** Each file of the message by its address. */
function filesOf({ files = [] }: Pick<ChatMessage, "files">): [key: unknown, file: unknown][] {
  return files.map((file) => [(file as { url?: unknown } | null)?.url ?? file, file]);
}

/** It was put into the chat for an answer, and none has begun. */
const isUnanswered = ({ generation, done }: ChatMessage): boolean =>
  generation === undefined && done === undefined;

/** Only the instance that writes the answer knows more of it than its log does. */
function isCorrected({ interrupted, content = "" }: ChatMessage, end: End): boolean {
  return interrupted === true && (!end.interrupted || end.content.length > content.length);
}
