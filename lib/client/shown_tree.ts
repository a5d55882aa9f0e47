import type { ChatHistory, ChatMessage } from "../protocol/chat.ts";
import {
  branchTo,
  caughtUp,
  endOfBranch,
  type Messages,
  siblingsOf,
  withMessage,
  withoutQuestion,
} from "./chat_history.ts";

/** The messages of a chat as one looks at them: all branches, and the end of the one that is shown. */
export class ShownTree {
  /** `undefined`: not read yet. */
  messages: Messages | undefined;
  currentId: string | null = null;

  /** The messages that are shown, oldest first. */
  get branch(): ChatMessage[] {
    return branchTo(this.messages ?? {}, this.currentId);
  }

  get(id: string | null | undefined): ChatMessage | undefined {
    return id ? this.messages?.[id] : undefined;
  }

  /** Puts a message under its parent, and shows it. */
  add(message: ChatMessage): void {
    this.messages = withMessage(this.messages ?? {}, message);
    this.currentId = message.id;
  }

  /** Puts a message in the place of its older self. */
  put(message: ChatMessage): void {
    this.messages = { ...this.messages, [message.id]: message };
  }

  /** Takes away a question that was not asked; `currentId` is shown again. */
  drop(question: ChatMessage, currentId: string | null): void {
    this.messages = withoutQuestion(this.messages ?? {}, question);
    this.currentId = currentId;
  }

  /** The message and its alternatives. */
  siblings(message: ChatMessage): string[] {
    return siblingsOf(this.messages ?? {}, message);
  }

  /** Shows the branch through this message, down to its newest end. */
  show(id: string): void {
    this.currentId = endOfBranch(this.messages ?? {}, id);
  }

  /** What the server has counts; what one looks at stays. */
  take(
    { messages: stored = {}, currentId = null }: ChatHistory,
    underWay: { asking: readonly string[]; streaming: ReadonlySet<string> },
  ): void {
    const shown = this.currentId;
    this.messages = caughtUp(stored as Messages, this.messages ?? {}, underWay);
    this.currentId = shown !== null && this.messages[shown]
      ? endOfBranch(this.messages, shown)
      : currentId;
  }
}
