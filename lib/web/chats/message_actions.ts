import type { ChatMessage } from "../../protocol/chat.ts";

/** What one can do with a message; the same from one drawing to the next. */
export interface MessageActions {
  show(id: string): void;
  regenerate(answer: ChatMessage): void;
  /** Lets the person choose the model that answers again. */
  regenerateWith(answer: ChatMessage): void;
  continueAnswer(answer: ChatMessage): void;
  /** Rejects when it could not be asked. */
  edit(questionId: string, text: string): Promise<void>;
}
