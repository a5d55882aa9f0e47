import { keys } from "../state/key_space.ts";
import type { LiveStream } from "./live_stream.ts";
import { STORED_TTL_MS, type StreamHead, type StreamStore } from "./stream_records.ts";

/** A new generation tells the instance of the older one; this often that looks by itself. */
const LOOK_EVERY_MS = 1_000;

export interface StreamHeadsOptions {
  store: StreamStore;
  instanceId: string;
  /**
   * Whether the stored message is of this stream's generation: of two that begin at the same moment
   * on two instances, the message says which counts. Default: the store's head does.
   */
  isCurrent?: ((stream: LiveStream) => Promise<boolean>) | undefined;
  /** Tells another instance that a stream of its own may not be the newest any more. Never throws. */
  alertOwner?: ((instanceId: string, which: MessageOfStream) => void) | undefined;
}

export interface MessageOfStream {
  chatId: string;
  messageId: string;
}

/** Which generation of a message is the newest, by the store. */
export class StreamHeads {
  readonly #options: StreamHeadsOptions;
  readonly #lookedAtMs = new WeakMap<LiveStream, number>();
  /** Where the streams ran, or run, that these have taken the place of. */
  readonly #olderOwners = new WeakMap<LiveStream, string>();

  constructor(options: StreamHeadsOptions) {
    this.#options = options;
  }

  /** Makes the stream its message's newest; says whether it is, for another user's stays theirs. */
  async take(stream: LiveStream): Promise<boolean> {
    const { generation, userId, chatId, messageId } = stream;
    const { store, instanceId } = this.#options;
    const mine: StreamHead = { generation, userId, owner: instanceId, state: "running" };
    let older: StreamHead | undefined;
    const head = await store.values.update<StreamHead>(
      keys.streamHead(chatId, messageId),
      (head) => {
        older = head;
        return head && head.userId !== userId ? head : mine;
      },
      { ttlMs: STORED_TTL_MS },
    );
    if (head?.generation !== generation) return false;
    if (older?.state === "running" && older.owner !== instanceId) {
      this.#olderOwners.set(stream, older.owner);
    }
    return true;
  }

  /** The stored message is of this stream, too: an older one elsewhere need not find out by itself. */
  alert(stream: LiveStream): void {
    const owner = this.#olderOwners.get(stream);
    const { chatId, messageId } = stream;
    if (owner !== undefined) this.#options.alertOwner?.(owner, { chatId, messageId });
  }

  async change(
    stream: LiveStream,
    change: (head: StreamHead) => StreamHead | undefined,
    ttlMs = STORED_TTL_MS,
  ): Promise<void> {
    await this.#options.store.values.update<StreamHead>(
      keys.streamHead(stream.chatId, stream.messageId),
      (head) => head?.generation === stream.generation ? change(head) : head,
      { ttlMs },
    );
  }

  /** As {@linkcode look}, unless that was done within the last second. */
  async lookSometimes(stream: LiveStream): Promise<void> {
    const lookedAtMs = this.#lookedAtMs.get(stream) ?? -Infinity;
    if (performance.now() >= lookedAtMs + LOOK_EVERY_MS) await this.look(stream);
  }

  /** Ends the stream's claim when a newer generation has taken its place. */
  async look(stream: LiveStream): Promise<void> {
    this.#lookedAtMs.set(stream, performance.now());
    const { store, isCurrent } = this.#options;
    const head = await store.values.get<StreamHead>(
      keys.streamHead(stream.chatId, stream.messageId),
    );
    if (!head || head.generation === stream.generation) return;
    if (await isCurrent?.(stream)) await this.take(stream);
    else stream.supersede();
  }
}
