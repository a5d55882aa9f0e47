import type { ChatBody } from "../protocol/chat.ts";
import type { ChatSetup } from "./chat_snapshot.ts";

/** What a chat is asked with: changed here at once, and kept by the server. */
export class KeptSetup {
  now: ChatSetup = { models: [], params: {} };
  /** Changes that the server has not answered yet. */
  #changing = 0;

  /** Takes what is stored, unless it is just being changed here. */
  take({ models = [], params }: ChatBody): void {
    if (this.#changing === 0) this.now = { models, params: params ?? {} };
  }

  /** Throws what `keep` throws; then it is as it was. */
  async change(changes: Partial<ChatSetup>, keep: () => Promise<unknown>): Promise<void> {
    const before = this.now;
    this.now = { ...before, ...changes };
    this.#changing++;
    try {
      await keep();
    } catch (thrown) {
      this.now = before;
      throw thrown;
    } finally {
      this.#changing--;
    }
  }
}
