import type { ChannelMessage } from "../protocol/channel.ts";

/** A model that is writing an answer in a channel. */
export interface Writer {
  /** The message that grows. */
  readonly messageId: string;
  /** The thread that it stands in; `null`: none. */
  readonly threadId: string | null;
  /** What the model is called. */
  readonly name: string;
  /** Who asked. */
  readonly userId: string;
}

/** Which models are writing, by what is heard of their messages. */
export class ChannelWriters {
  #writers = new Map<string, Writer>();
  #list: readonly Writer[] = [];

  /** The same object until something changes. */
  get list(): readonly Writer[] {
    return this.#list;
  }

  /** What a message says now: of a model, and whether it is whole. */
  heard({ id, parent_id, user_id, meta }: ChannelMessage): void {
    const model = meta?.model_id;
    if (typeof model !== "string" || meta?.done !== false) return this.forget(id);
    if (this.#writers.has(id)) return;
    const name = typeof meta.model_name === "string" && meta.model_name ? meta.model_name : model;
    this.#writers.set(id, { messageId: id, threadId: parent_id, name, userId: user_id });
    this.#list = [...this.#writers.values()];
  }

  /** The message is gone. */
  forget(messageId: string): void {
    if (this.#writers.delete(messageId)) this.#list = [...this.#writers.values()];
  }

  /** What has ended meanwhile was not heard. */
  clear(): void {
    this.#writers.clear();
    this.#list = [];
  }
}
