import { keys } from "../state/key_space.ts";
import type { StateStore } from "../state/state_store.ts";

/** How long a stop waits for the request that it overtook, in milliseconds. */
const WAIT_MS = 60_000;
/** Answers of a chat whose stops are waiting. */
const MAX_WAITING = 64;

/** A request for an answer that is on its way to become a task. Disposing of it ends that. */
export interface Starting extends Disposable {
  /** Whether the answer was stopped before it was a task. Asked once it is one. */
  isStopped(chatId: string, messageId: string): Promise<boolean>;
}

/**
 * Stops that come before the answer is a task that could be found: while its question is being
 * stored here, or before its request has arrived, at whichever instance (it is named by its message
 * then). Who stops says so first and looks for tasks next; who starts has a task first and asks
 * next: one of both sees the other.
 */
export class AnswerStops {
  readonly #store: StateStore;
  readonly #starting = new Map<string, Set<{ isStopped: boolean }>>();

  constructor(store: StateStore) {
    this.#store = store;
  }

  /** Says whether something was waiting to be stopped, or will be. */
  async stop(
    { userId, chatId }: { userId: string; chatId: string },
    messageIds: readonly string[],
  ): Promise<boolean> {
    const starting = this.#starting.get(keyOf(userId, chatId)) ?? new Set();
    for (const one of starting) one.isStopped = true;
    if (messageIds.length > 0) {
      await this.#store.values.update<string[]>(
        keys.answerStops(userId, chatId),
        (waiting = []) => [...new Set([...waiting, ...messageIds])].slice(-MAX_WAITING),
        { ttlMs: WAIT_MS },
      );
    }
    return starting.size + messageIds.length > 0;
  }

  /** Beside the chat's id, if it has one yet: who begins a chat can name its messages only. */
  starting(userId: string, chatId = ""): Starting {
    const key = keyOf(userId, chatId);
    const mark = { isStopped: false };
    const all = this.#starting.get(key) ?? new Set();
    this.#starting.set(key, all.add(mark));
    return {
      isStopped: async (inChat, messageId) =>
        await this.#takeWaiting(userId, inChat, messageId) || mark.isStopped,
      [Symbol.dispose]: () => {
        all.delete(mark);
        if (all.size === 0 && this.#starting.get(key) === all) this.#starting.delete(key);
      },
    };
  }

  /** A stop counts once: the same message may be answered again. */
  async #takeWaiting(userId: string, chatId: string, messageId: string): Promise<boolean> {
    const key = keys.answerStops(userId, chatId);
    if (!(await this.#store.values.get<string[]>(key))?.includes(messageId)) return false;
    await this.#store.values.update<string[]>(key, (waiting = []) => {
      const left = waiting.filter((id) => id !== messageId);
      return left.length > 0 ? left : undefined;
    }, { ttlMs: WAIT_MS });
    return true;
  }
}

const keyOf = (userId: string, chatId: string) => `${userId}/${chatId}`;
