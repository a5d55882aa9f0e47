import { type ChatEvent, type CompletionEvent, MAX_FOLLOWED_CHATS } from "../protocol/events.ts";
import { type AnswerPlace, AnswerStream } from "./answer_stream.ts";
import { type CaughtUp, worst } from "./comeback.ts";
import type { Connection } from "./connection.ts";

type Ack = (answer: unknown) => void;

/** One who hears the chats' events on a connection. */
export interface ChatListener {
  completion(event: CompletionEvent): void;
  /** Any other event, of which nobody waits for an answer. */
  event(event: ChatEvent): void;
  /** Whether it has an answer to what the server asks. */
  answers(type: string): boolean;
  answer(event: ChatEvent, ack: Ack): void;
}

/**
 * What all handlers of chats on one connection share: the answers that are followed, each once, and
 * the chats whose text the server is asked to send. Whoever leaves takes nothing from the others.
 */
export class ChatHub {
  static readonly #hubs = new WeakMap<Connection, ChatHub>();
  readonly #connection: Connection;
  readonly #listeners = new Set<ChatListener>();
  readonly #streams = new Map<string, AnswerStream>();
  #ends: (() => void)[] = [];

  private constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** The one of the connection. */
  static of(connection: Connection): ChatHub {
    const hub = ChatHub.#hubs.get(connection) ?? new ChatHub(connection);
    ChatHub.#hubs.set(connection, hub);
    return hub;
  }

  enter(listener: ChatListener): void {
    this.#listeners.add(listener);
    if (this.#listeners.size > 1) return;
    const connection = this.#connection;
    this.#ends = [
      connection.on("events", (event, ack) => this.#handle(event, ack)),
      connection.onOnline(() => {
        this.#tellFollowed();
        return this.#resumeAll();
      }),
      connection.on("missed", () => void this.#resumeAll()),
    ];
    if (connection.status.state === "online") this.#tellFollowed();
  }

  leave(listener: ChatListener): void {
    if (!this.#listeners.delete(listener) || this.#listeners.size > 0) return;
    for (const end of this.#ends) end();
    for (const stream of this.#streams.values()) stream.end();
    this.#streams.clear();
  }

  /** Counts one more follower. With `resume` the text so far is asked for. */
  follow(place: AnswerPlace, resume: boolean): AnswerStream {
    const key = keyOf(place.chatId, place.messageId);
    const existing = this.#streams.get(key);
    if (existing) {
      existing.followers++;
      return existing;
    }
    const isNewChat = !this.#follows(place.chatId);
    const stream = new AnswerStream(this.#connection, place);
    stream.followers = 1;
    this.#streams.set(key, stream);
    if (this.#connection.status.state !== "online") return stream;
    // Before the text so far is asked for, so that nothing falls between it and what follows.
    if (isNewChat) this.#tellFollowed();
    if (resume) void stream.resume();
    else stream.listen();
    return stream;
  }

  /** Counts one follower less; after the last one the chat's text is not asked for any more. */
  release(stream: AnswerStream): void {
    if (--stream.followers > 0) return;
    stream.end();
    const { chatId, messageId } = stream.place;
    const key = keyOf(chatId, messageId);
    if (this.#streams.get(key) !== stream) return;
    this.#streams.delete(key);
    if (!this.#follows(chatId)) this.#tellFollowed();
  }

  /** A chat that nobody here looks at need not be streamed here: only its answers' ends are told. */
  #tellFollowed(): void {
    const chats = [...new Set([...this.#streams.values()].map(({ place }) => place.chatId))];
    const chat_ids = chats.length <= MAX_FOLLOWED_CHATS ? chats : null;
    this.#connection.send("chat:follow", { chat_ids });
  }

  #follows(chatId: string): boolean {
    return [...this.#streams.values()].some(({ place }) => place.chatId === chatId);
  }

  async #resumeAll(): Promise<CaughtUp> {
    const open = [...this.#streams.values()].filter(({ answer }) => !answer.snapshot.isDone);
    return worst(await Promise.all(open.map((stream) => stream.resume())));
  }

  #handle(event: ChatEvent, ack: Ack | undefined): void {
    const { chat_id: chatId, message_id: messageId, data: { type } } = event;
    if (type === "chat:completion") {
      const completion = event as CompletionEvent;
      this.#streams.get(keyOf(chatId, messageId))?.take(completion);
      for (const listener of [...this.#listeners]) listener.completion(completion);
      return;
    }
    // One answers: the last that can, or the last of all, with a no.
    const newestFirst = [...this.#listeners].reverse();
    if (ack) (newestFirst.find((one) => one.answers(type)) ?? newestFirst[0])?.answer(event, ack);
    for (const listener of [...this.#listeners]) listener.event(event);
  }
}

const keyOf = (chatId: string, messageId: string) => `${chatId}/${messageId}`;
