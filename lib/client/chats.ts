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
import type { ChatEvent, CompletionEvent } from "../protocol/events.ts";
import { placeInChat, postQuestion, type SaidMessage, stopAnswers } from "./ask.ts";
import { ChatHub, type ChatListener } from "./chat_hub.ts";
import type { Connection } from "./connection.ts";
import { ClientError, messageOf } from "./errors.ts";
import { FollowedAnswer } from "./followed_answer.ts";
import { attempt, Listeners } from "./listeners.ts";
import { newId } from "./new_id.ts";

/** What a page does when the server asks or tells; each is optional, and what is missing says no. */
export interface ChatHooks {
  /** Whether the person looks at this chat right now. */
  isInFront?(chatId: string): boolean;
  /** An answer is ready in a chat that is not in front: the place for a toast and a sound. */
  onAnswered?(answered: { chatId: string; messageId: string; title?: string }): void;
  /** Open WebUI's tools and functions tell people something. */
  onNotification?(notification: NotificationData): void;
  /** Asks the person for a yes or a no. */
  confirm?(question: ConfirmationData): Promise<boolean>;
  /** Asks the person for a text; `false`: there is none. */
  input?(question: InputData): Promise<string | false>;
  /** Runs code, as a `PythonRunner` does. */
  runPython?(asked: PythonData): Promise<PythonResult>;
  /** Calls a tool, as `runTool` does. */
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

/** Which answer is followed. */
export interface FollowOptions {
  /** The chat that the answer is in. */
  chatId: string;
  /** The message that the answer fills. */
  messageId: string;
  /** Whether the text so far is asked for at once. Default: true. */
  resume?: boolean;
}

/** What is asked; {@linkcode ChatEventHandler.ask}. */
export interface AskOptions {
  /** Default: a new chat. */
  chatId?: string | undefined;
  /** The model's id, as `GET /api/models` names it. */
  model: string;
  /**
   * What is said; the last of it is the question. In a chat that is there, what was said before is
   * known to the server: only system prompts are taken from here.
   */
  messages: string | readonly SaidMessage[];
  /** The message that the question follows. Default: the end of the chat. */
  parentId?: string | null | undefined;
  /** Stops the answer, whether it has begun or not. */
  signal?: AbortSignal | undefined;
  /** What else the model is told, such as `temperature`. */
  params?: Record<string, unknown> | undefined;
  /** The model is one of this browser's own: the hook `complete` runs it. */
  isDirect?: boolean | undefined;
}

/**
 * Handles `events` (docs/protocol.md, sections 5 to 7): answers that stream, everything a chat is told
 * beside, and what the server asks of this client.
 *
 * @example
 * ```ts
 * import { chatEventHandler, connect } from "webui-realtime-client";
 *
 * using connection = connect({ url: "http://localhost:8080", token: "…" });
 * await connection.ready;
 * using chats = chatEventHandler(connection, {
 *   onAnswered: ({ title }) => console.log("Answered:", title),
 * });
 * using answer = await chats.ask({ model: "echo", messages: "Hello there" });
 * for await (const { content } of answer) console.log(content);
 * console.log((await answer.done).state);
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
  /** The connection that it was made for. */
  readonly connection: Connection;
  readonly #hooks: ChatHooks;
  readonly #hub: ChatHub;
  readonly #followed = new Set<FollowedAnswer>();
  readonly #others = new Listeners<OtherChatEvent>();
  readonly #usages = new Set<ReturnType<typeof setInterval>>();
  readonly #listener: ChatListener = {
    completion: (event) => this.#completion(event),
    event: (event) => this.#event(event),
    answers: (type) => {
      const hook = ANSWERS[type];
      return hook !== undefined && this.#hooks[hook] !== undefined;
    },
    answer: (event, ack) => void this.#answer(otherOf(event), ack),
  };

  /** {@linkcode chatEventHandler} is the way to it. */
  constructor(connection: Connection, hooks: ChatHooks = {}) {
    this.connection = connection;
    this.#hooks = hooks;
    this.#hub = ChatHub.of(connection);
    this.#hub.enter(this.#listener);
  }

  /** Titles, tags, statuses, files, sources and the like, of all chats. */
  onEvent(listener: (event: OtherChatEvent) => void): () => void {
    return this.#others.add(listener);
  }

  /**
   * Asks a model, and follows the answer. Resolves once the server has taken the question.
   *
   * @throws {ClientError} the server's refusal, `offline`; the signal's reason when it was aborted
   */
  async ask(options: AskOptions): Promise<FollowedAnswer> {
    const { model, signal, params, isDirect, messages } = options;
    const said = typeof messages === "string"
      ? [{ role: "user" as const, content: messages }]
      : messages;
    const last = said.at(-1);
    if (!last) throw new ClientError("invalid_payload", "messages: there is no question");
    signal?.throwIfAborted();
    const { api, sessionId } = this.connection;
    const { chatId, parentId } = options.chatId !== undefined && options.parentId !== undefined
      ? { chatId: options.chatId, parentId: options.parentId }
      : await placeInChat(api, {
        ...{ chatId: options.chatId, model, signal },
        before: said.slice(0, -1).filter(({ role }) => role !== "system"),
      });
    const answerId = newId();
    const answer = this.follow({ chatId, messageId: answerId, resume: false });
    const stop = () => void answer.stop().catch(() => undefined);
    signal?.addEventListener("abort", stop, { once: true });
    try {
      const timestamp = Math.floor(Date.now() / 1000);
      await postQuestion(api, {
        ...{ chatId, model, answerId, sessionId, isDirect, params, signal },
        question: { id: newId(), role: last.role, content: last.content, parentId, timestamp },
        messages: said.filter(({ role }) => role === "system"),
      });
      void answer.done.catch(() => undefined)
        .finally(() => signal?.removeEventListener("abort", stop));
      return answer;
    } catch (thrown) {
      answer[Symbol.dispose]();
      throw thrown;
    }
  }

  /** Ends what is being answered in the chat, or these messages of it, on whichever instance. */
  stop(chatId: string, messageIds: readonly string[] = []): Promise<void> {
    return stopAnswers(this.connection.api, chatId, messageIds);
  }

  /**
   * Follows one message's answer until what is returned is disposed of: the text of chats that nobody
   * follows here is not sent here. A message that was asked for just now has no text to `resume`.
   */
  follow({ chatId, messageId, resume = true }: FollowOptions): FollowedAnswer {
    const stream = this.#hub.follow({ chatId, messageId }, resume);
    const followed: FollowedAnswer = new FollowedAnswer(stream, {
      release: () => {
        this.#followed.delete(followed);
        this.#hub.release(stream);
      },
      stop: () => this.stop(chatId, [messageId]),
    });
    this.#followed.add(followed);
    return followed;
  }

  /** Says every second that a model is in use, until the returned end is called. */
  useModel(model: string): () => void {
    const tell = () => this.connection.send("usage", { model });
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
    this.connection.send("events:chat", { chat_id: chatId, data: { type: "last_read_at" } });
  }

  /** Follows nothing any more; the answers go on at the server, and the connection stays open. */
  [Symbol.dispose](): void {
    for (const timer of this.#usages) clearInterval(timer);
    for (const followed of [...this.#followed]) followed[Symbol.dispose]();
    this.#hub.leave(this.#listener);
  }

  /** Ends it; the same as disposing of it. */
  close(): void {
    this[Symbol.dispose]();
  }

  #event(event: ChatEvent): void {
    const other = otherOf(event);
    const { onNotification } = this.#hooks;
    if (other.type === "notification") attempt(() => onNotification?.(other.data));
    this.#others.tell(other);
  }

  #completion({ chat_id: chatId, message_id: messageId, data: { data } }: CompletionEvent): void {
    if (!data.done) return;
    const { title } = data;
    attempt(() => {
      if (this.#hooks.isInFront?.(chatId)) return;
      this.#hooks.onAnswered?.({ chatId, messageId, ...(title !== undefined && { title }) });
    });
  }

  /** What the server waits for is always answered: with a result, or with what went wrong. */
  async #answer({ type, data }: OtherChatEvent, ack: Ack): Promise<void> {
    const hook = ANSWERS[type];
    // To who asks a person, silence is a no.
    const isPersons = hook === "confirm" || hook === "input";
    const no = isPersons ? false : { error: `There is no answer to ${type} here.` };
    try {
      // The types of the hooks say which data each takes.
      const answer = hook && this.#hooks[hook] as ((data: unknown) => unknown) | undefined;
      ack(await answer?.call(this.#hooks, data) ?? no);
    } catch (thrown) {
      ack({ error: messageOf(thrown) });
    }
  }
}

/** What the server asks, and the hook that has the answer. */
const ANSWERS: Record<string, keyof ChatHooks> = {
  confirmation: "confirm",
  input: "input",
  "execute:python": "runPython",
  "execute:tool": "runTool",
  "request:chat:completion": "complete",
};

function otherOf({ chat_id: chatId, message_id: messageId, data }: ChatEvent): OtherChatEvent {
  return { type: data.type, chatId, messageId, data: data.data } as OtherChatEvent;
}
