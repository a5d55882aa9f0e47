import * as v from "valibot";
import { AppError, errorText } from "../common/errors.ts";
import type { Logger } from "../common/logger.ts";
import { backOff, pause } from "../common/pause.ts";
import { RoleSchema } from "../protocol/user.ts";
import { keys } from "../state/key_space.ts";
import type { StateStore, Subscription } from "../state/state_store.ts";

const id = v.pipe(v.string(), v.minLength(1));

/** What ends or narrows a session, told to all instances. */
export const AccessChangeSchema = v.variant("type", [
  v.object({ type: v.literal("token_revoked"), jti: id, user_id: id }),
  v.object({ type: v.literal("user_revoked"), user_id: id }),
  v.object({ type: v.literal("role_changed"), user_id: id, role: RoleSchema }),
  v.object({ type: v.literal("user_deleted"), user_id: id }),
  v.object({ type: v.literal("room_left"), user_id: id, room: id }),
  v.object({ type: v.literal("room_joined"), user_id: id, room: id }),
]);

export type AccessChange = v.InferOutput<typeof AccessChangeSchema>;

export interface AccessChangeHandlers {
  /** Called in the order in which the store delivers; this instance's own changes come back, too. */
  onChange(change: AccessChange): void;
  /** Changes may have been missed: forget what was cached, ask again of every session. */
  onGap(): void;
}

const PUBLISH_TRIES = 3;
/** Told in place of whatever could not be told: ask again of every session. */
const MISSED = JSON.stringify({ type: "missed" });

/**
 * The channel that carries changes of access between instances. Who caches users subscribes before
 * who asks for them again, so that the question is not answered from the past.
 */
export class AccessChanges {
  readonly #store: StateStore;
  readonly #logger: Logger;
  /** Ends with the subscription: while nobody here listens, nobody owes the others a word. */
  #life: AbortController | undefined;
  #isOwing = false;

  constructor(store: StateStore, logger: Logger) {
    this.#store = store;
    this.#logger = logger;
  }

  /**
   * Tells all instances. What is told has been stored already, so a store that is away for a moment
   * is tried again. If that fails, all instances are told to ask again of every session, as soon as
   * the store takes it: one debt, however many changes it stands for.
   *
   * @throws {AppError} `unavailable` when three tries failed
   */
  async publish(change: AccessChange): Promise<void> {
    const message = JSON.stringify(change);
    for (let tried = 1, waitMs = 0;; tried++) {
      try {
        return await this.#store.publish(keys.accessChanges, message);
      } catch (thrown) {
        const isPassing = thrown instanceof AppError && thrown.code === "unavailable";
        if (isPassing && tried === PUBLISH_TRIES) this.#oweWord();
        if (!isPassing || tried === PUBLISH_TRIES) throw thrown;
        waitMs = backOff(waitMs);
        await pause(waitMs);
      }
    }
  }

  async subscribe(handlers: AccessChangeHandlers): Promise<Subscription> {
    const life = new AbortController();
    const subscription = await this.#store.subscribe(keys.accessChanges, {
      onMessage: (message) => {
        if (message === MISSED) return handlers.onGap();
        const change = this.#read(message);
        if (change) handlers.onChange(change);
      },
      onGap: () => handlers.onGap(),
    });
    this.#life = life;
    const unsubscribe = () => {
      life.abort();
      return subscription.unsubscribe();
    };
    return { unsubscribe, [Symbol.asyncDispose]: unsubscribe };
  }

  #oweWord(): void {
    if (this.#isOwing || !this.#life) return;
    this.#isOwing = true;
    this.#tellMissed(this.#life.signal).catch((thrown) => {
      this.#logger.error("access changes were not told", { error: errorText(thrown) });
    }).finally(() => this.#isOwing = false);
  }

  async #tellMissed(signal: AbortSignal): Promise<void> {
    for (let waitMs = backOff(0); !signal.aborted; waitMs = backOff(waitMs)) {
      await pause(waitMs, signal);
      if (signal.aborted) return;
      try {
        return await this.#store.publish(keys.accessChanges, MISSED);
      } catch (thrown) {
        if (!(thrown instanceof AppError) || thrown.code !== "unavailable") throw thrown;
      }
    }
  }

  #read(message: string): AccessChange | undefined {
    try {
      return v.parse(AccessChangeSchema, JSON.parse(message));
    } catch (thrown) {
      // A newer instance may say what this one doesn't know; one odd message ends nothing.
      this.#logger.warn("an access change can't be read", { error: errorText(thrown) });
    }
  }
}
