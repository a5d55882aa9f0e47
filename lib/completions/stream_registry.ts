import { AppError, errorText } from "../common/errors.ts";
import type { Logger } from "../common/logger.ts";
import type { ResumeAnswer } from "../protocol/events.ts";
import { keys } from "../state/key_space.ts";
import type { Dictionary } from "../state/state_store.ts";
import { LiveStream } from "./live_stream.ts";
import { OwedWrites } from "./owed_writes.ts";
import { ResponseStreams } from "./response_streams.ts";
import { pause } from "../common/pause.ts";
import { journalReader, StreamJournal, type StreamJournalOptions } from "./stream_journal.ts";
import { StreamLogWriter, type StreamLogWriterOptions } from "./stream_log_writer.ts";
import {
  type LogBatch,
  readLog,
  resumeAnswer,
  type ResumeQuery,
  type RunningStream,
  STORED_TTL_MS,
  type StreamEnd,
  type StreamHead,
  type StreamStore,
} from "./stream_records.ts";
import { type MessageOfStream, StreamHeads, type StreamHeadsOptions } from "./stream_heads.ts";
import { TextBudget, type TextBudgetOptions } from "./text_budget.ts";

export interface StreamRegistryOptions {
  store: StreamStore;
  logger: Logger;
  instanceId: string;
  /** How long an ended stream can still be resumed, in milliseconds. Default: 60,000. */
  graceMs?: number;
  /** The longest answer, in UTF-16 units. Default: 8 Mi. */
  maxLength?: number;
  /** Streams that run at once; one more is refused as `unavailable`. Default: 10,000. */
  maxRunning?: number;
  /** What may be under way, in bytes. */
  budget?: TextBudgetOptions;
  isCurrent?: StreamHeadsOptions["isCurrent"];
  alertOwner?: StreamHeadsOptions["alertOwner"];
  /** Asks another instance for what it has of its own stream; `undefined` when it does not answer. */
  askOwner?: (instanceId: string, query: ResumeQuery) => Promise<ResumeAnswer | undefined>;
  log?:
    & Pick<StreamJournalOptions, "flushMs">
    & Pick<StreamLogWriterOptions, "maxWaitMs" | "batchLength" | "maxPendingLength" | "giveUpMs">;
}

export interface BeginStream {
  userId: string;
  chatId: string;
  messageId: string;
  taskId?: string;
}

/**
 * What was streamed, for those who come back (docs/protocol.md, section 7): in memory for this instance's
 * generations, in the store for everybody, until the end and a grace.
 */
export class StreamRegistry implements AsyncDisposable {
  readonly #options:
    & Required<Omit<StreamRegistryOptions, "askOwner" | "isCurrent" | "alertOwner">>
    & Pick<StreamRegistryOptions, "askOwner">;
  /** By chat, then by message, in the order of their begin. */
  readonly #chats = new Map<string, Map<string, LiveStream>>();
  /** Ended streams: they can be resumed until their grace is over, from the store as a rule. */
  readonly #ended = new Map<LiveStream, ReturnType<typeof setTimeout>>();
  readonly #journal: StreamJournal;
  readonly #readJournal: ReturnType<typeof journalReader>;
  readonly #owed: OwedWrites;
  readonly #budget: TextBudget;
  readonly #clearing = new Set<Promise<void>>();
  readonly #responses: ResponseStreams;
  readonly #heads: StreamHeads;
  #running = 0;

  constructor(options: StreamRegistryOptions) {
    this.#options = {
      graceMs: 60_000,
      maxLength: 8 * 1024 * 1024,
      maxRunning: 10_000,
      log: {},
      budget: {},
      ...options,
    };
    const { store, instanceId, logger, log } = this.#options;
    this.#journal = new StreamJournal({ store, instanceId, logger, ...log });
    this.#readJournal = journalReader(store);
    this.#responses = new ResponseStreams(options.store);
    this.#heads = new StreamHeads(options);
    this.#owed = new OwedWrites(options.logger);
    this.#budget = new TextBudget(options.budget);
  }

  /** Streams that are kept in memory now. */
  get size(): number {
    return this.#running + this.#ended.size + this.#owed.size;
  }

  /** Bytes of text that are kept in memory now. */
  get bytes(): number {
    return this.#budget.bytes;
  }

  /** How many pieces the answers that are written here have so far, by their tasks. */
  *pieces(): Generator<readonly [taskId: string, pieces: number]> {
    for (const streams of this.#chats.values()) {
      for (const { taskId, seq, isEnded } of streams.values()) {
        if (taskId !== undefined && !isEnded) yield [taskId, seq];
      }
    }
  }

  /** Begins a new generation of a message; one that runs for the same message is superseded. */
  async begin(what: BeginStream): Promise<LiveStream> {
    const { store, logger, instanceId, maxRunning, maxLength, log } = this.#options;
    if (this.#running >= maxRunning) {
      throw new AppError("unavailable", "Too many answers are being written. Try again soon.");
    }
    const { userId, chatId, messageId, taskId } = what;
    const older = this.#chats.get(chatId)?.get(messageId);
    if (older && older.userId !== userId) throw foreign();
    let written: Dictionary<LogBatch> | undefined;
    const stream: LiveStream = new LiveStream({
      ...{ userId, chatId, messageId, taskId, maxLength, budget: this.#budget },
      log: new StreamLogWriter({
        ...log,
        ...{ generation: crypto.randomUUID(), journal: this.#journal, logger },
        write: (...batch) => this.#write(stream, written ??= this.#log(stream), ...batch),
      }),
    });
    this.#keep(stream);
    try {
      const entry: RunningStream = { userId, chatId, messageId, owner: instanceId };
      if (taskId !== undefined) entry.taskId = taskId;
      await this.#entries.set(stream.generation, entry);
      if (!await this.#heads.take(stream)) {
        await this.#entries.delete(stream.generation);
        throw foreign();
      }
      await store.values.set(keys.chatStream(chatId), messageId, { ttlMs: STORED_TTL_MS });
    } catch (error) {
      this.#running--;
      this.#forget(stream);
      // It may have been written half: while this instance lives nobody else takes it out.
      this.owe(() => this.#entries.delete(stream.generation));
      this.owe(() => this.#heads.change(stream, () => undefined));
      throw error;
    }
    return stream;
  }

  /** Work on the store that belongs to the end of an answer: tried until it is done. */
  owe(work: () => Promise<unknown>): void {
    this.#owed.keep(work, "the end of an answer");
  }

  /**
   * Puts the end into the store, once the stream itself has ended. What the store refuses is tried
   * until it is done, `owed` (the message's own end) first: until then the stream stays in memory and
   * in the sweep's list. What the store holds is dropped from memory.
   */
  async close(stream: LiveStream, end: StreamEnd, owed?: () => Promise<unknown>): Promise<void> {
    this.#running--;
    if (stream.superseded.aborted) this.#forget(stream);
    let isPaid = owed === undefined;
    const settle = async () => {
      if (!isPaid) await owed?.();
      isPaid = true;
      await this.#settle(stream, end);
    };
    try {
      if (!isPaid) throw new AppError("unavailable", "The end of an answer is not stored yet.");
      await settle();
    } catch (error) {
      this.#options.logger.warn("the end of a stream is not in the store", {
        error: errorText(error),
      });
      this.owe(settle);
    }
  }

  async #settle(stream: LiveStream, end: StreamEnd): Promise<void> {
    const { graceMs } = this.#options;
    const isWhole = await stream.log.close();
    const ended = { state: "ended" as const, seq: stream.seq, ...end };
    await this.#heads.change(stream, (head) => ({ ...head, ...ended }), graceMs);
    await this.#responses.remove(stream);
    await this.#entries.delete(stream.generation);
    if (stream.superseded.aborted) {
      await this.#log(stream).clear();
      this.#forget(stream);
    } else {
      this.#ended.set(stream, setTimeout(() => this.#clear(stream), graceMs));
      if (isWhole) this.#drop(stream);
    }
  }

  /**
   * What a client has missed. This instance's own streams are answered at once, so that no event
   * falls between the answer and the next; for others' the answer waits for their next batch.
   */
  async resume(query: ResumeQuery): Promise<ResumeAnswer> {
    const { userId, chatId, after = 0, generation } = query;
    const local = this.#local(chatId, query.messageId);
    if (local && local.userId !== userId) return nothing();
    if (local && !local.isEnded) return local.resume(after, generation);

    const { store, instanceId, log, askOwner } = this.#options;
    const messageId = query.messageId ?? await store.values.get<string>(keys.chatStream(chatId));
    if (messageId === undefined) return nothing();
    const headKey = keys.streamHead(chatId, messageId);
    let head = await store.values.get<StreamHead>(headKey);
    let isLost = false;
    // Its text may have gone to the store while the head was read.
    const isHere = local !== undefined && !local.isReleased;
    if (isHere && (!head || head.generation === local.generation)) {
      return local.resume(after, generation);
    }
    if (head?.userId !== userId) return nothing();
    if (head.state === "running" && head.owner !== instanceId) {
      const answer = await askOwner?.(head.owner, { ...query, messageId });
      if (answer) return answer;
      isLost = askOwner !== undefined;
      // All that was emitted before the client asked is in the log after one batch's time.
      await pause(1.5 * (log.flushMs ?? 200));
      head = await store.values.get<StreamHead>(headKey) ?? head;
    }
    const journal = head.state === "running" ? await this.#readJournal(head.owner) : undefined;
    const text = await readLog(
      store.dictionary(keys.stream(chatId, messageId, head.generation)),
      journal?.get(head.generation),
    );
    const isOther = generation !== undefined && generation !== head.generation;
    const { state, seq = text.seq, generation: current, userId: _, owner: __, ...end } = head;
    const answer = resumeAnswer(text, isOther ? 0 : after, {
      generation: current,
      seq,
      end: state === "ended" ? end : undefined,
    });
    return isLost && answer.active ? { ...answer, lost: true } : answer;
  }

  /** As {@linkcode resume}, of this instance's own live streams alone, for another that asks. */
  resumeHere({ userId, chatId, messageId, after = 0, generation }: ResumeQuery) {
    const local = this.#local(chatId, messageId);
    if (!local || local.userId !== userId) return undefined;
    return local.resume(after, generation);
  }

  /** The stream's message is stored as its own: where an older one runs, that ends now. */
  begun(stream: LiveStream): void {
    this.#heads.alert(stream);
  }

  /** Another instance may have begun a newer generation of the message. */
  async lookAgain({ chatId, messageId }: MessageOfStream): Promise<void> {
    const local = this.#local(chatId, messageId);
    if (local && !local.isEnded) await this.#heads.look(local);
  }

  /** Ends the timers. What is stored ends by its own time. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const timer of this.#ended.values()) clearTimeout(timer);
    this.#ended.clear();
    this.#chats.clear();
    await this.#owed[Symbol.asyncDispose]();
    await Promise.all(this.#clearing);
    await this.#journal[Symbol.asyncDispose]();
  }

  get #entries() {
    return this.#options.store.dictionary<RunningStream>(keys.streams);
  }

  #log({ chatId, messageId, generation }: LiveStream) {
    return this.#options.store.dictionary<LogBatch>(keys.stream(chatId, messageId, generation), {
      ttlMs: STORED_TTL_MS,
      isWrittenOnce: true,
    });
  }

  async #write(
    stream: LiveStream,
    log: Dictionary<LogBatch>,
    from: number,
    batch: LogBatch,
  ): Promise<void> {
    await log.set(String(from), batch);
    await this.#heads.lookSometimes(stream);
    if (!stream.superseded.aborted) await this.#responses.tell(stream);
  }

  #local(chatId: string, messageId: string | undefined): LiveStream | undefined {
    const streams = this.#chats.get(chatId);
    if (!streams) return undefined;
    if (messageId !== undefined) return streams.get(messageId);
    const newestFirst = [...streams.values()].reverse();
    return newestFirst.find((stream) => !stream.isEnded) ?? newestFirst[0];
  }

  #keep(stream: LiveStream): void {
    const older = this.#chats.get(stream.chatId)?.get(stream.messageId);
    if (older) {
      older.supersede();
      this.#clear(older);
    }
    const streams = this.#chats.get(stream.chatId) ?? new Map<string, LiveStream>();
    this.#chats.set(stream.chatId, streams.set(stream.messageId, stream));
    this.#running++;
  }

  #forget(stream: LiveStream): void {
    clearTimeout(this.#ended.get(stream));
    this.#ended.delete(stream);
    this.#drop(stream);
  }

  /** Its text is in the store, or of no use any more. */
  #drop(stream: LiveStream): void {
    stream.release();
    const streams = this.#chats.get(stream.chatId);
    if (streams?.get(stream.messageId) === stream) streams.delete(stream.messageId);
    if (streams?.size === 0) this.#chats.delete(stream.chatId);
  }

  /** Forgets a stream and, unless told otherwise, clears what the store has of it. */
  #clear(stream: LiveStream, inStoreToo = true): void {
    this.#forget(stream);
    if (!inStoreToo || !stream.isEnded) return;
    const clearing = this.#clearStore(stream).catch((error) => {
      this.#options.logger.warn("a stream is not cleared", { error: errorText(error) });
    }).finally(() => this.#clearing.delete(clearing));
    this.#clearing.add(clearing);
  }

  async #clearStore(stream: LiveStream): Promise<void> {
    await this.#heads.change(stream, () => undefined);
    await this.#log(stream).clear();
  }
}

/** A chat that is stored has its owner; the name of a local one can be said by anybody. */
const foreign = () => new AppError("not_found", "There is no such chat.");

function nothing(): ResumeAnswer {
  return { active: false, seq: 0, content: "", done: false };
}
