import { errorText } from "../common/errors.ts";
import type { Logger } from "../common/logger.ts";
import type { CompletionEvent } from "../protocol/events.ts";
import { keys } from "../state/key_space.ts";
import { type AnswerMessages, endOf } from "./answer_messages.ts";
import {
  readLog,
  type ResponseStream,
  type RunningStream,
  type StreamHead,
  type StreamStore,
} from "./stream_records.ts";

export interface InterruptedSweepOptions {
  store: StreamStore;
  messages: AnswerMessages;
  emit(userId: string, event: CompletionEvent): void;
  /** Whether the instance still gives signs of life. */
  isAlive(instanceId: string): boolean | Promise<boolean>;
  logger: Logger;
  /** How long the recovered stream can still be resumed, in milliseconds. Default: 60,000. */
  graceMs?: number;
}

/**
 * Ends the answers whose instance has died: the message gets what the stream's log holds and is
 * marked as interrupted, its reader is told. Several instances may sweep at once: who stores the end
 * tells it, and only one can. Returns how many answers this sweep ended.
 */
export async function sweepInterrupted(options: InterruptedSweepOptions): Promise<number> {
  const { store, isAlive, logger } = options;
  const entries = store.dictionary<RunningStream>(keys.streams);
  const alive = new Map<string, boolean>();
  let ended = 0;
  for await (const page of entries.scan()) {
    for (const [generation, stream] of page) {
      const { owner } = stream;
      if (!alive.has(owner)) alive.set(owner, await isAlive(owner));
      if (alive.get(owner)) continue;
      try {
        if (await endStream(options, generation, stream)) ended++;
      } catch (error) {
        logger.warn("an interrupted answer is left for the next sweep", {
          chatId: stream.chatId,
          error: errorText(error),
        });
      }
    }
  }
  return ended;
}

async function endStream(
  { store, messages, emit, graceMs = 60_000 }: InterruptedSweepOptions,
  generation: string,
  { userId, chatId, messageId, taskId }: RunningStream,
): Promise<boolean> {
  const text = await readLog(store.dictionary(keys.stream(chatId, messageId, generation)));
  const stored = await messages.finish({ userId, chatId, messageId, generation }, {
    ...endOf(text.after(0)),
    interrupted: true,
  });
  const seq = text.seq + 1;
  await store.values.update<StreamHead>(
    keys.streamHead(chatId, messageId),
    (head) =>
      head?.generation === generation && head.state === "running"
        ? { ...head, state: "ended", seq, interrupted: true }
        : head,
    { ttlMs: graceMs },
  );
  if (stored === "stored") {
    emit(userId, {
      chat_id: chatId,
      message_id: messageId,
      data: { type: "chat:completion", data: { generation, done: true, interrupted: true } },
      seq,
    });
  }
  if (taskId !== undefined) {
    await store.dictionary<ResponseStream>(keys.responseStreams).delete(taskId);
  }
  await store.dictionary<RunningStream>(keys.streams).delete(generation);
  return stored === "stored";
}
