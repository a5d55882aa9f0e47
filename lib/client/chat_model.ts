import type { Chat, ChatMessage } from "../protocol/chat.ts";
import type { AnswerSnapshot } from "./answer.ts";
import { postQuestion, stopAnswers } from "./ask.ts";
import {
  branchTo,
  caughtUp,
  emptyAnswer,
  endOfBranch,
  isOpen,
  type Messages,
  siblingsOf,
  withMessage,
  withoutQuestion,
} from "./chat_history.ts";
import type { AskedModel, ChatModelOptions, ChatSnapshot } from "./chat_snapshot.ts";
import type { ChatEventHandler } from "./chats.ts";
import { ClientError, isClientError, messageOf } from "./errors.ts";
import { FollowedMessages } from "./followed_messages.ts";
import { Listeners } from "./listeners.ts";
import { changedMessage } from "./message_events.ts";
import { newId } from "./new_id.ts";
import type { Readable } from "./store.ts";
import { streamedInto } from "./streamed_message.ts";

/** How long to wait before the chat is read again, when that has failed, in milliseconds. */
const READ_AGAIN_MS = 2_000;

/** One chat as a person looks at it: its messages as a tree, the branch shown, and what streams. */
export class ChatModel implements Disposable, Readable<ChatSnapshot> {
  readonly #chats: ChatEventHandler;
  readonly #onCreated: ((id: string) => void) | undefined;
  readonly #listeners = new Listeners<void>();
  readonly #followed: FollowedMessages;
  /** Answers whose requests have not been answered, with the questions that go with them. */
  readonly #asking = new Map<string, { questionId: string; isStopped: boolean }>();
  readonly #ends: (() => void)[];
  #id: string | undefined;
  #title = "";
  #messages: Messages | undefined;
  #currentId: string | null = null;
  #loadError: string | undefined;
  #isCaughtUp: boolean;
  #saidHere = 0;
  #snapshot: ChatSnapshot | undefined;
  #reading: Promise<void> | undefined;
  #isReadAgain = false;
  #askedTimes = 0;
  #readLater: ReturnType<typeof setTimeout> | undefined;
  #isEnded = false;

  /** Nothing is read before `load`. */
  constructor(chats: ChatEventHandler, { chatId, onCreated }: ChatModelOptions = {}) {
    this.#chats = chats;
    this.#id = chatId;
    this.#onCreated = onCreated;
    this.#isCaughtUp = chatId === undefined;
    if (chatId === undefined) this.#messages = {};
    this.#followed = new FollowedMessages(chats, (id, answer) => this.#streamed(id, answer));
    const { connection } = chats;
    this.#ends = [
      chats.onEvent((event) => {
        if (event.chatId !== this.#id) return;
        const message = this.#messages?.[event.messageId];
        if (event.type === "chat:title") this.#title = event.data;
        // Said or asked on another device.
        else if (event.type === "chat:list") void this.load();
        else if (event.type === "chat:active" && event.data.active && !message) void this.load();
        else if (message) this.#put(changedMessage(message, event));
        this.#touch();
      }),
      connection.on("missed", () => this.#missed()),
      connection.onOnline(() => this.#missed()),
    ];
  }

  /** What there is now: the same object until something changes. */
  get snapshot(): ChatSnapshot {
    return this.#snapshot ??= {
      id: this.#id,
      title: this.#title,
      messages: this.#messages,
      branch: branchTo(this.#messages ?? {}, this.#currentId),
      isStreaming: this.#isStreaming,
      isCaughtUp: this.#isCaughtUp,
      loadError: this.#loadError,
      saidHere: this.#saidHere,
    };
  }

  /** Hears each change. Returns the end. */
  readonly subscribe = (listener: () => void): () => void => this.#listeners.add(listener);

  get #isStreaming(): boolean {
    // An answer may have ended before its request has been answered.
    return this.#followed.size > 0 ||
      [...this.#asking.keys()].some((id) => this.#messages?.[id]?.done !== true);
  }

  #touch(): void {
    this.#snapshot = undefined;
    this.#listeners.tell();
  }

  /** Reads what the server has. A change while it is read has it read again. */
  load(): Promise<void> {
    if (this.#id === undefined) return Promise.resolve();
    this.#isReadAgain = this.#reading !== undefined;
    this.#reading ??= (async () => {
      try {
        do {
          this.#isReadAgain = false;
          await this.#read();
        } while (this.#isReadAgain && !this.#isEnded);
      } finally {
        this.#reading = undefined;
        this.#touch();
      }
    })();
    return this.#reading;
  }

  /** Says something, and asks the model for an answer. Throws when it could not be asked. */
  async send(text: string, model: AskedModel): Promise<void> {
    if (!this.#isCaughtUp) await this.load();
    if (!this.#isCaughtUp) {
      throw new ClientError("unavailable", this.#loadError ?? "The chat could not be read.");
    }
    await this.#say(text, this.#currentId, model);
  }

  /** Says something else in the place of a question; the old one stays beside it. */
  async edit(questionId: string, text: string, model: AskedModel): Promise<void> {
    const old = this.#messages?.[questionId];
    if (old) await this.#say(text, old.parentId ?? null, model);
  }

  async #say(text: string, parentId: string | null, model: AskedModel): Promise<void> {
    const before = this.#currentId;
    const question: ChatMessage = {
      ...{ id: newId(), parentId, childrenIds: [], role: "user", content: text },
      timestamp: Math.floor(Date.now() / 1000),
    };
    const id = newId();
    this.#add(question);
    try {
      await this.#ask(question, model, { id });
    } catch (thrown) {
      if (await this.#isAskedAfterAll(question.id)) {
        return this.#failed(id, question, model, thrown);
      }
      // Nothing was asked: the text goes back to where it was written.
      this.#messages = withoutQuestion(this.#messages ?? {}, question);
      this.#currentId = before;
      this.#touch();
      throw thrown;
    }
  }

  /** Asks again for an answer to the same question; the old one stays beside it. */
  async regenerate(answerId: string, model: AskedModel): Promise<void> {
    const question = this.#questionOf(this.#messages?.[answerId]);
    if (question) await this.#askAgain(question, model);
  }

  /** Has an answer that was cut at its limit go on. */
  async continueAnswer(answerId: string, model: AskedModel): Promise<void> {
    const answer = this.#messages?.[answerId];
    const question = this.#questionOf(answer);
    if (question) await this.#askAgain(question, model, answer);
  }

  /** Ends everything that is being answered in this chat, on whichever instance. */
  async stop(): Promise<void> {
    for (const one of this.#asking.values()) one.isStopped = true;
    // A chat that has no id yet is asked in once it has one, and stopped there.
    if (this.#id !== undefined) {
      await stopAnswers(this.#chats.connection.api, this.#id, [...this.#asking.keys()]);
    }
  }

  /** The message and its alternatives. */
  siblings = (message: ChatMessage): string[] => siblingsOf(this.#messages ?? {}, message);

  /** Shows the branch through this message, down to its newest end. */
  show(id: string): void {
    this.#currentId = endOfBranch(this.#messages ?? {}, id);
    this.#touch();
  }

  /** Follows nothing any more; the answers go on at the server. */
  [Symbol.dispose](): void {
    this.#isEnded = true;
    clearTimeout(this.#readLater);
    for (const end of this.#ends) end();
    this.#followed.clear();
  }

  /** The same as disposing of it. */
  close(): void {
    this[Symbol.dispose]();
  }

  #missed(): void {
    if (this.#id === undefined) return;
    this.#isCaughtUp = false;
    this.#touch();
    void this.load();
  }

  async #read(): Promise<void> {
    clearTimeout(this.#readLater);
    const askedTimes = this.#askedTimes;
    try {
      const chat = await this.#get();
      if (this.#isEnded) return;
      // What was asked while it was read may be missing in it.
      if (askedTimes !== this.#askedTimes) return void (this.#isReadAgain = true);
      this.#take(chat);
      this.#loadError = undefined;
      this.#isCaughtUp = true;
    } catch (thrown) {
      if (this.#isEnded) return;
      const isGone = isClientError(thrown, "not_found");
      // What is here can be read on, until it is known what became of it.
      if (isGone || this.#messages === undefined) this.#loadError = messageOf(thrown);
      if (!isGone && this.#chats.connection.status.state === "online") {
        this.#readLater = setTimeout(() => void this.load(), READ_AGAIN_MS);
      }
    }
  }

  /** What the server has counts; what one looks at stays. */
  #take({ title, chat }: Chat): void {
    const { messages: stored = {}, currentId = null } = chat.history ?? {};
    const asking = [...this.#asking].flatMap(([id, { questionId }]) => [questionId, id]);
    const streaming = this.#followed.ids;
    const shown = this.#currentId;
    this.#title = title;
    this.#messages = caughtUp(stored as Messages, this.#messages ?? {}, { asking, streaming });
    this.#currentId = shown !== null && this.#messages[shown]
      ? endOfBranch(this.#messages, shown)
      : currentId;
    for (const message of Object.values(this.#messages)) {
      if (isOpen(message) && !this.#asking.has(message.id)) this.#follow(message, true);
    }
  }

  #questionOf(answer: ChatMessage | undefined): ChatMessage | undefined {
    const { parentId } = answer ?? {};
    return parentId ? this.#messages?.[parentId] : undefined;
  }

  /** Asks a question that is in the chat; what goes wrong is told where the answer would stand. */
  async #askAgain(question: ChatMessage, model: AskedModel, cut?: ChatMessage): Promise<void> {
    const id = cut?.id ?? newId();
    try {
      await this.#ask(question, model, { id, ...(cut && { cut }) });
    } catch (thrown) {
      this.#failed(id, question, model, thrown);
    }
  }

  /** Tells where the answer would stand why there is none. One that is under way or whole counts. */
  #failed(id: string, question: ChatMessage, model: AskedModel, thrown: unknown): void {
    const isThere = this.#followed.has(id) || this.#messages?.[id]?.done;
    if (isClientError(thrown, "offline", "timeout") && isThere) return;
    this.#followed.remove(id);
    const error = { code: "unavailable", content: messageOf(thrown) };
    const answer = this.#messages?.[id] ?? emptyAnswer(id, question, model.id);
    this.#add({ ...answer, done: true, error });
  }

  async #ask(
    question: ChatMessage,
    model: AskedModel,
    { id, cut }: { id: string; cut?: ChatMessage },
  ): Promise<void> {
    const asked = { questionId: question.id, isStopped: false };
    this.#asking.set(id, asked);
    this.#askedTimes++;
    this.#saidHere++;
    if (cut) this.#put({ ...cut, done: false });
    else this.#add(emptyAnswer(id, question, model.id));
    this.#touch();
    try {
      const chatId = this.#id ?? await this.#create(model);
      if (asked.isStopped) await stopAnswers(this.#chats.connection.api, chatId, [id]);
      if (!cut) this.#follow(emptyAnswer(id, question, model.id), false);
      await postQuestion(this.#chats.connection.api, {
        ...{ chatId, question, answerId: id, model: model.id, isDirect: model.isDirect },
        sessionId: this.#chats.connection.sessionId,
        isContinued: cut !== undefined,
      });
      if (cut) this.#follow(cut, true);
    } catch (thrown) {
      this.#followed.remove(id);
      throw thrown;
    } finally {
      this.#asking.delete(id);
      this.#askedTimes++;
      this.#touch();
    }
  }

  async #create(model: AskedModel): Promise<string> {
    const body = { chat: { models: [model.id] } };
    const chat = await this.#chats.connection.api("POST /api/v1/chats/new", { body });
    this.#id = chat.id;
    this.#title = chat.title;
    this.#onCreated?.(chat.id);
    return chat.id;
  }

  /** Whether the question has arrived, though nothing said so: then it is not asked twice. */
  async #isAskedAfterAll(questionId: string): Promise<boolean> {
    if (this.#id === undefined) return false;
    const chat = await this.#get().catch(() => undefined);
    if (!chat?.chat.history?.messages?.[questionId]) return false;
    this.#take(chat);
    return true;
  }

  #get(): Promise<Chat> {
    return this.#chats.connection.api("GET /api/v1/chats/{id}", { params: { id: this.#id ?? "" } });
  }

  #follow(message: ChatMessage, resume: boolean): void {
    if (this.#id !== undefined) this.#followed.add(this.#id, message, resume);
  }

  #streamed(id: string, answer: AnswerSnapshot): void {
    const message = this.#messages?.[id];
    if (!message || (answer.generation === undefined && !answer.isDone)) return;
    this.#put(streamedInto(message, answer));
    if (answer.isDone) this.#followed.remove(id);
    this.#touch();
  }

  #add(message: ChatMessage): void {
    this.#messages = withMessage(this.#messages ?? {}, message);
    this.#currentId = message.id;
    this.#touch();
  }

  #put(message: ChatMessage): void {
    this.#messages = { ...this.#messages, [message.id]: message };
  }
}
