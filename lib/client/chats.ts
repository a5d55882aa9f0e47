import type {
  BrowserCompletionData,
  ChatEventTypes,
  ConfirmationData,
  InputData,
  NotificationData,
  PythonData,
  PythonResult,
  ToolData,
} from "../protocol/chat_events.ts";
import { type ChatEvent, type CompletionEvent, MAX_FOLLOWED_CHATS } from "../protocol/events.ts";
import type { Connection } from "./connection.ts";
import { messageOf } from "./errors.ts";
import { FollowedAnswer, type FollowedAnswerOptions } from "./followed_answer.ts";
import { Listeners } from "./listeners.ts";

/** What a page does when the server asks or tells; each is optional, and what is missing says no. */
export interface ChatHooks {
  /** Whether the person looks at this chat right now. */
  isInFront?(chatId: string): boolean;
  /** An answer is ready in a chat that is not in front: the place for a toast and a sound. */
  onAnswered?(answered: { chatId: string; messageId: string; title?: string }): void;
  onNotification?(notification: NotificationData): void;
  confirm?(question: ConfirmationData): Promise<boolean>;
  input?(question: InputData): Promise<string | false>;
  runPython?(asked: PythonData): Promise<PythonResult>;
  runTool?(asked: ToolData): Promise<unknown>;
  /** Starts a model of the browser; resolves once its lines begin to flow. */
  complete?(asked: BrowserCompletionData): Promise<unknown>;
}

/** An event that is not part of an answer's text. */
export type OtherChatEvent = {
  [T in keyof ChatEventTypes]: {
    type: T;
    chatId: string;
    messageId: string;
    data: ChatEventTypes[T];
  };
}[Exclude<keyof ChatEventTypes, "chat:completion">];

type Ack = (answer: unknown) => void;
/** While a model answers, the server is told so once a second (docs/protocol.md, section 4). */
const USAGE_EVERY_MS = 1_000;

/**
 * Handles `events` (docs/protocol.md, sections 5 to 7): answers that stream, everything a chat is told
 * beside, and what the server asks of this client.
 *
 * @example
 * ```ts
 * import { chatEventHandler, connect } from "webui-realtime/client";
 *
 * using connection = connect({ url: "http://localhost:8080", token: "…" });
 * using chats = chatEventHandler(connection, {
 *   onAnswered: ({ title }) => console.log("Answered:", title),
 *   confirm: ({ message = "" }) => Promise.resolve(globalThis.confirm(message)),
 * });
 * const followed = chats.follow({ chatId: "a-chat", messageId: "its-answer" });
 * followed.onChange(({ content, isDone }) => console.log(content, isDone));
 * ```
 */
export function chatEventHandler(
  connection: Connection,
  hooks: ChatHooks = {},
): ChatEventHandler {
  return new ChatEventHandler(connection, hooks);
}

/** What {@linkcode chatEventHandler} makes. Disposing of it ends what it follows. */
export class ChatEventHandler implements Disposable {
  readonly #connection: Connection;
  readonly #hooks: ChatHooks;
  readonly #followed = new Map<string, FollowedAnswer>();
  readonly #others = new Listeners<OtherChatEvent>();
  readonly #ends: (() => void)[];
  readonly #usages = new Set<ReturnType<typeof setInterval>>();

  constructor(connection: Connection, hooks: ChatHooks = {}) {
    this.#connection = connection;
    this.#hooks = hooks;
    this.#ends = [
      connection.on("events", (event, ack) => this.#handle(event, ack)),
      connection.onOnline(() => {
        this.#tellFollowed();
        this.#resumeAll();
      }),
      connection.on("missed", () => this.#resumeAll()),
    ];
  }

  /** A chat that nobody here looks at need not be streamed here: only its answers' ends are told. */
  #tellFollowed(): void {
    const chats = [...new Set([...this.#followed.values()].map(({ chatId }) => chatId))];
    const chat_ids = chats.length <= MAX_FOLLOWED_CHATS ? chats : null;
    this.#connection.send("chat:follow", { chat_ids });
  }

  #follows(chatId: string): boolean {
    return [...this.#followed.values()].some((followed) => followed.chatId === chatId);
  }

  #resumeAll(): void {
    for (const followed of this.#followed.values()) {
      if (!followed.answer.isDone) void followed.resume();
    }
  }

  /** Titles, tags, statuses, files, sources and the like, of all chats. */
  onEvent(listener: (event: OtherChatEvent) => void): () => void {
    return this.#others.add(listener);
  }

  /**
   * Follows one message's answer until `unfollow`: the text of chats that nobody follows here is not
   * sent here. With `resume` (default: true) the text so far is asked for at once; a message that
   * was asked for just now has none.
   */
  follow(
    options: Omit<FollowedAnswerOptions, "connection"> & { resume?: boolean },
  ): FollowedAnswer {
    const key = keyOf(options.chatId, options.messageId);
    const existing = this.#followed.get(key);
    if (existing) return existing;
    const isNewChat = !this.#follows(options.chatId);
    const followed = new FollowedAnswer({ connection: this.#connection, ...options });
    this.#followed.set(key, followed);
    if (this.#connection.status.state !== "online") return followed;
    // Before the text so far is asked for, so that nothing falls between it and what follows.
    if (isNewChat) this.#tellFollowed();
    if (options.resume !== false) void followed.resume();
    return followed;
  }

  unfollow(followed: FollowedAnswer): void {
    followed[Symbol.dispose]();
    const key = keyOf(followed.chatId, followed.messageId);
    if (this.#followed.get(key) !== followed) return;
    this.#followed.delete(key);
    if (!this.#follows(followed.chatId)) this.#tellFollowed();
  }

  /** Says every second that a model is in use, until the returned end is called. */
  useModel(model: string): () => void {
    const tell = () => this.#connection.send("usage", { model });
    tell();
    const timer = setInterval(tell, USAGE_EVERY_MS);
    this.#usages.add(timer);
    return () => {
      clearInterval(timer);
      this.#usages.delete(timer);
    };
  }

  /** Notes that the person has seen the chat. */
  markRead(chatId: string): void {
    this.#connection.send("events:chat", { chat_id: chatId, data: { type: "last_read_at" } });
  }

  [Symbol.dispose](): void {
    for (const end of this.#ends) end();
    for (const timer of this.#usages) clearInterval(timer);
    for (const followed of this.#followed.values()) followed[Symbol.dispose]();
    this.#followed.clear();
  }

  #handle(event: ChatEvent, ack: Ack | undefined): void {
    const { chat_id: chatId, message_id: messageId, data: { type } } = event;
    if (type === "chat:completion") return this.#completion(event as CompletionEvent);
    const other = { type, chatId, messageId, data: event.data.data } as OtherChatEvent;
    if (ack) void this.#answer(other, ack);
    else if (other.type === "notification") this.#hooks.onNotification?.(other.data);
    this.#others.tell(other);
  }

  #completion(event: CompletionEvent): void {
    const { chat_id: chatId, message_id: messageId, data: { data } } = event;
    this.#followed.get(keyOf(chatId, messageId))?.take(event);
    if (!data.done || this.#hooks.isInFront?.(chatId)) return;
    this.#hooks.onAnswered?.({
      chatId,
      messageId,
      ...(data.title !== undefined && { title: data.title }),
    });
  }

  /** What the server waits for is always answered: with a result, or with what went wrong. */
  async #answer(event: OtherChatEvent, ack: Ack): Promise<void> {
    try {
      ack(await this.#result(event));
    } catch (thrown) {
      ack({ error: messageOf(thrown) });
    }
  }

  async #result(event: OtherChatEvent): Promise<unknown> {
    const hooks = this.#hooks;
    switch (event.type) {
      case "confirmation":
        return await hooks.confirm?.(event.data) ?? false;
      case "input":
        return await hooks.input?.(event.data) ?? false;
      case "execute:python":
        return await hooks.runPython?.(event.data) ?? { error: "There is no Python here." };
      case "execute:tool":
        return await hooks.runTool?.(event.data) ?? { error: "Tools are not run here." };
      case "request:chat:completion":
        return await hooks.complete?.(event.data) ?? { error: "No model runs here." };
      default:
        return { error: `There is no answer to ${event.type}.` };
    }
  }
}

const keyOf = (chatId: string, messageId: string) => `${chatId}/${messageId}`;
