import { errorText } from "../common/errors.ts";
import type { Logger } from "../common/logger.ts";
import type { CompletionEvent } from "../protocol/events.ts";
import { keys } from "../state/key_space.ts";
import { type AnswerMessages, endOf } from "./answer_messages.ts";
import { type JournalNotes, journalOf, readJournal } from "./stream_journal.ts";
import {
  joinBatches,
  type NumberedBatch,
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

/**
 * Ends the answers whose instance has died: the message gets what the stream's log and the instance's
 * journal hold and is marked as interrupted, its reader is told. Several instances may sweep at once: who
 * stores the end tells it, and only one can. Returns how many answers this sweep ended.
 */
export async function sweepInterrupted(options: InterruptedSweepOptions): Promise<number> {
  const { store, isAlive, logger } = options;
  const entries = store.dictionary<RunningStream>(keys.streams);
  /** What each dead instance had noted; `undefined`: its streams are left alone. */
  const journals = new Map<string, JournalNotes | undefined>();
  let ended = 0;
  for await (const page of entries.scan()) {
    for (const [generation, stream] of page) {
      const { owner } = stream;
      if (!journals.has(owner)) journals.set(owner, await lookAt(owner));
      const notes = journals.get(owner);
      if (!notes) continue;
      try {
        await keepNoted(store, generation, stream, notes.get(generation));
        if (await endStream(options, generation, stream)) ended++;
      } catch (error) {
        logger.warn("an interrupted answer is left for the next sweep", {
          chatId: stream.chatId,
          error: errorText(error),
        });
      }
    }
  }
  for (const [owner, notes] of journals) {
    if (!notes) continue;
    try {
      // One that could not be ended, or that began behind the walk's back, still needs it.
      const left = await entries.getMany([...notes.keys()]);
      if (left.every((entry) => entry === undefined)) await journalOf(store, owner).clear();
    } catch (error) {
      logger.warn("the journal of a dead instance stays", { owner, error: errorText(error) });
    }
  }
  return ended;

  async function lookAt(owner: string): Promise<JournalNotes | undefined> {
    if (await isAlive(owner)) return undefined;
    try {
      return await readJournal(store, owner);
    } catch (error) {
      logger.warn("the answers of a dead instance are left for the next sweep", {
        owner,
        error: errorText(error),
      });
      return undefined;
    }
  }
}

/** Puts into the stream's own log what only the journal of its instance has. */
async function keepNoted(
  store: StreamStore,
  generation: string,
  { chatId, messageId }: RunningStream,
  notes: readonly NumberedBatch[] = [],
): Promise<void> {
  const log = store.dictionary(keys.stream(chatId, messageId, generation), {
    ttlMs: STORED_TTL_MS,
  });
  for (const [from, batch] of joinBatches(notes)) {
    await log.update(
      String(from),
      (logged) => logged && logged.length >= batch.length ? logged : batch,
    );
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
