/** The event emitter of a channel's message (docs/protocol.md, section 6). */
import { AppError, errorText } from "../common/errors.ts";
import type { Logger } from "../common/logger.ts";
import { pause } from "../common/pause.ts";
import type { StoredMessage } from "../protocol/channel.ts";
import type { ChatMessage } from "../protocol/chat.ts";
import type { EmitterData } from "../protocol/events.ts";
import type { PublicUser } from "../protocol/user.ts";
import type { Conversation } from "./conversation.ts";
import { SLOWDOWN } from "./trailing_throttle.ts";

type MessageChange = (message: ChatMessage) => ChatMessage;

export interface MessageEventsOptions {
  conversation: Pick<Conversation, "enterToEdit" | "change" | "show">;
  /** What an event changes in a message, as in a chat's; `undefined` for one that passes by. */
  storedChange(event: EmitterData): MessageChange | undefined;
  /** Sends an event that changes no message to the user's own sessions, as in a chat. */
  passBy(
    target: { userId: string; channelId: string; messageId: string },
    event: EmitterData,
  ): void;
  logger: Logger;
}

/** How often the room sees a message change, in milliseconds. */
const SHOW_MS = 150;
const MAX_CONTENT = 200_000;
const MAX_DATA = 1024 * 1024;
/** What events change of a message besides its text; a channel keeps them in the message's `data`. */
const PARTS = ["statusHistory", "embeds", "files", "sources"] as const;

/**
 * Changes messages of channels by the events of tools and pipelines. Each event is one atomic
 * change. The room hears of many that come together as one, and always of the last one: what it is
 * shown is what is stored then.
 */
export class MessageEvents implements AsyncDisposable {
  readonly #options: MessageEventsOptions;
  /** Messages that the room is being shown, by id. */
  readonly #showing = new Map<string, { again: boolean; done: Promise<void> }>();
  readonly #stop = new AbortController();

  constructor(options: MessageEventsOptions) {
    this.#options = options;
  }

  /**
   * Resolves when the change is stored; the room hears of it soon.
   *
   * @throws {AppError} `not_found`; `forbidden` for who may not change the message; `too_large`
   */
  async emit(
    user: PublicUser,
    channelId: string,
    messageId: string,
    event: EmitterData,
  ): Promise<void> {
    const { conversation, storedChange, passBy } = this.#options;
    const channel = await conversation.enterToEdit(user, channelId, messageId);
    const change = storedChange(event);
    if (!change) return passBy({ userId: user.id, channelId, messageId }, event);
    await conversation.change(channelId, messageId, (message) => changed(message, change));
    this.#show(messageId, () => conversation.show(channel, user, messageId));
  }

  #show(messageId: string, show: () => Promise<void>): void {
    const showing = this.#showing.get(messageId);
    if (showing) {
      showing.again = true;
      return;
    }
    const fresh = { again: true, done: Promise.resolve() };
    this.#showing.set(messageId, fresh);
    fresh.done = this.#keepShowing(messageId, fresh, show);
  }

  /** Shows the message until it rests. Never rejects. */
  async #keepShowing(
    messageId: string,
    showing: { again: boolean },
    show: () => Promise<void>,
  ): Promise<void> {
    const startMs = performance.now();
    while (showing.again) {
      const waitMs = Math.max(SHOW_MS, SLOWDOWN * (performance.now() - startMs));
      await pause(waitMs, this.#stop.signal);
      showing.again = false;
      await show().catch((thrown) =>
        this.#options.logger.warn("a message is not shown", { error: errorText(thrown) })
      );
    }
    this.#showing.delete(messageId);
  }

  /** Shows at once what waits to be shown. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await Promise.all([...this.#showing.values()].map(({ done }) => done));
  }
}

function partsOf(source: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    PARTS.filter((part) => source[part] !== undefined).map((part) => [part, source[part]]),
  );
}

/** @throws {AppError} `too_large` */
function changed(message: StoredMessage, change: MessageChange): StoredMessage {
  const { id, content } = message;
  const before = partsOf(message.data ?? {});
  const after = change({ id, role: "assistant", childrenIds: [], content, ...before });
  const parts = partsOf(after);
  const data = message.data || Object.keys(parts).length > 0 ? { ...message.data, ...parts } : null;
  if (after.content.length > MAX_CONTENT) {
    throw new AppError("too_large", `A message has at most ${MAX_CONTENT} characters.`);
  }
  if (data && JSON.stringify(data).length > MAX_DATA) {
    throw new AppError("too_large", `What belongs to a message takes at most ${MAX_DATA} bytes.`);
  }
  return { ...message, content: after.content, data };
}
