import { errorText } from "../common/errors.ts";
import type { Logger } from "../common/logger.ts";
import type { CompletionEvent } from "../protocol/events.ts";
import { keys } from "../state/key_space.ts";
import { type AnswerMessages, endOf } from "./answer_messages.ts";
import { journalOf, readJournal } from "./stream_journal.ts";
import {
  type LogBatch,
  readLog,
  type ResponseStream,
  type RunningStream,
  STORED_TTL_MS,
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

/** An instance, and what its journal still holds of its streams, once it is dead. */
interface Owner {
  isAlive: boolean;
  notes?: ReturnType<typeof readJournal>;
  /** Whether each of its streams that was met has been ended. */
  isSettled: boolean;
}

/**
 * Ends the answers whose instance has died: the message gets what the stream's log and the instance's
 * journal hold and is marked as interrupted, its reader is told. Several instances may sweep at once: who
 * stores the end tells it, and only one can. Returns how many answers this sweep ended.
 */
export async function sweepInterrupted(options: InterruptedSweepOptions): Promise<number> {
  const { store, isAlive, logger } = options;
  const entries = store.dictionary<RunningStream>(keys.streams);
  const owners = new Map<string, Owner>();
  let ended = 0;
  for await (const page of entries.scan()) {
    for (const [generation, stream] of page) {
      const owner = owners.get(stream.owner) ?? await lookAt(stream.owner);
      owners.set(stream.owner, owner);
      if (owner.isAlive) continue;
      try {
        await keepNoted(store, generation, stream, (await owner.notes)?.get(generation));
        if (await endStream(options, generation, stream)) ended++;
      } catch (error) {
        owner.isSettled = false;
        logger.warn("an interrupted answer is left for the next sweep", {
          chatId: stream.chatId,
          error: errorText(error),
        });
      }
    }
  }
  for (const [instanceId, { isAlive, isSettled }] of owners) {
    if (!isAlive && isSettled) await journalOf(store, instanceId).clear();
  }
  return ended;

  async function lookAt(instanceId: string): Promise<Owner> {
    if (await isAlive(instanceId)) return { isAlive: true, isSettled: true };
    return { isAlive: false, isSettled: true, notes: readJournal(store, instanceId) };
  }
}

/** Puts into the stream's own log what only the journal of its instance has. */
async function keepNoted(
  store: StreamStore,
  generation: string,
  { chatId, messageId }: RunningStream,
  notes: readonly [from: number, batch: LogBatch][] = [],
): Promise<void> {
  const log = store.dictionary(keys.stream(chatId, messageId, generation), {
    ttlMs: STORED_TTL_MS,
  });
  for (const [from, batch] of notes) {
    // A batch of the log that begins there has all of the note, and more.
    await log.update(String(from), (logged) => logged ?? batch);
  }
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
