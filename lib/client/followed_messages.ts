import type { AnswerSnapshot } from "./answer.ts";
import type { ChatEventHandler } from "./chats.ts";

/** The answers of a chat that stream just now, by their messages. */
export class FollowedMessages {
  readonly #chats: ChatEventHandler;
  readonly #onChange: (messageId: string, answer: AnswerSnapshot) => void;
  readonly #ends = new Map<string, () => void>();

  constructor(
    chats: ChatEventHandler,
    onChange: (messageId: string, answer: AnswerSnapshot) => void,
  ) {
    this.#chats = chats;
    this.#onChange = onChange;
  }

  get ids(): ReadonlySet<string> {
    return new Set(this.#ends.keys());
  }

  get size(): number {
    return this.#ends.size;
  }

  has(messageId: string): boolean {
    return this.#ends.has(messageId);
  }

  /** Follows it, if it is not followed yet, and says that the model is in use. */
  add(
    chatId: string,
    { id, model }: { id: string; model?: string | undefined },
    resume: boolean,
  ): void {
    if (this.#ends.has(id)) return;
    const answer = this.#chats.follow({ chatId, messageId: id, resume });
    const unuse = model === undefined ? undefined : this.#chats.useModel(model);
    answer.onChange((snapshot) => this.#onChange(id, snapshot));
    this.#ends.set(id, () => {
      unuse?.();
      answer.close();
    });
  }

  remove(messageId: string): void {
    const end = this.#ends.get(messageId);
    this.#ends.delete(messageId);
    end?.();
  }

  clear(): void {
    for (const id of [...this.#ends.keys()]) this.remove(id);
  }
}
