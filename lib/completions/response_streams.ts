import { keys } from "../state/key_space.ts";
import type { LiveStream } from "./live_stream.ts";
import type { ResponseStream, StreamStore } from "./stream_records.ts";

/** The text is told at these lengths: Open WebUI's instances see that and how it began. */
const TOLD_AT_LENGTHS = [256, 2_048, 16_384];

/** Open WebUI's own record of the streams that run (`tasks:response_streams`). */
export class ResponseStreams {
  readonly #store: StreamStore;
  /** How many of the lengths have been told. */
  readonly #told = new WeakMap<LiveStream, number>();

  constructor(store: StreamStore) {
    this.#store = store;
  }

  /** Tells how the stream's text begins, if it has grown enough. */
  async tell(stream: LiveStream): Promise<void> {
    const { chatId, messageId, taskId } = stream;
    if (taskId === undefined || stream.isEnded) return;
    const told = this.#told.get(stream) ?? 0;
    const due = TOLD_AT_LENGTHS.filter((length) => length <= stream.length).length;
    if (due <= told) return;
    this.#told.set(stream, due);
    const content = stream.text().content.slice(0, TOLD_AT_LENGTHS[due - 1]);
    await this.#records.set(taskId, {
      chat_id: chatId,
      message_id: messageId,
      content,
      // What newer instances of Open WebUI (0.12) read in place of `content`.
      output: [{
        type: "message",
        role: "assistant",
        content: [{ type: "output_text", text: content }],
      }],
    });
  }

  async remove({ taskId }: LiveStream): Promise<void> {
    if (taskId !== undefined) await this.#records.delete(taskId);
  }

  get #records() {
    return this.#store.dictionary<ResponseStream>(keys.responseStreams);
  }
}
