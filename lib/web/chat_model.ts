import { ask, stopAnswers } from "../client/ask.ts";
import { ClientError, messageOf } from "../client/errors.ts";
import type { FollowedAnswer } from "../client/followed_answer.ts";
import { changedMessage } from "../client/message_events.ts";
import type { Chat, ChatMessage } from "../protocol/chat.ts";
import type { AppSession, Model } from "./app_session.ts";
import {
  branchTo,
  caughtUp,
  endOfBranch,
  isOpen,
  type Messages,
  siblingsOf,
  withMessage,
} from "./chat_history.ts";
import { newId } from "./new_id.ts";
import { Observable } from "./observable.ts";
import { storedAnswer, streamedInto } from "./streamed.ts";

/** How long to wait before the chat is read again, when that has failed, in milliseconds. */
const READ_AGAIN_MS = 2_000;

/** One chat on the page: its messages as a tree, the branch that is shown, and what streams. */
export class ChatModel implements Disposable {
  readonly changed = new Observable<ChatModel>(this);
  id: string | undefined;
  title = "";
  /** `undefined`: loading. */
  messages: Messages | undefined;
  currentId: string | null = null;
  loadError: string | undefined;
  /** Whether nothing can have been missed: only then may one ask. */
  isCaughtUp: boolean;
  /** How often something was said here: one looks at what one has said. */
  saidHere = 0;
  readonly #session: AppSession;
  readonly #onCreated: (id: string) => void;
  readonly #followed = new Map<string, { answer: FollowedAnswer; end: () => void }>();
  /** Answers whose requests have not been answered, with the questions that go with them. */
  readonly #asking = new Map<string, { questionId: string; isStopped: boolean }>();
  readonly #ends: (() => void)[];
  #reading: Promise<void> | undefined;
  #isReadAgain = false;
  #askedTimes = 0;
  #readLater: ReturnType<typeof setTimeout> | undefined;
  #isEnded = false;

  constructor(session: AppSession, id: string | undefined, onCreated: (id: string) => void) {
    this.#session = session;
    this.id = id;
    this.#onCreated = onCreated;
    this.isCaughtUp = id === undefined;
    if (id === undefined) this.messages = {};
    const { chats, connection } = session;
    this.#ends = [
      chats.onEvent((event) => {
        if (event.chatId !== this.id) return;
        const message = this.messages?.[event.messageId];
        if (event.type === "chat:title") this.title = event.data;
        // Said or asked on another device.
        else if (event.type === "chat:list") void this.load();
        else if (event.type === "chat:active" && event.data.active && !message) void this.load();
        else if (message) this.#put(changedMessage(message, event));
        this.changed.touch();
      }),
      connection.on("missed", () => this.#missed()),
      connection.onOnline(() => this.#missed()),
    ];
  }

  /** The messages of the branch that is shown, oldest first. */
  get branch(): ChatMessage[] {
    return branchTo(this.messages ?? {}, this.currentId);
  }

  get isStreaming(): boolean {
    // An answer may have ended before its request has been answered.
    return this.#followed.size > 0 ||
      [...this.#asking.keys()].some((id) => this.messages?.[id]?.done !== true);
  }

  /** Reads what the server has. A change while it is read has it read again. */
  load(): Promise<void> {
    if (this.id === undefined) return Promise.resolve();
    this.#isReadAgain = this.#reading !== undefined;
    this.#reading ??= (async () => {
      try {
        do {
          this.#isReadAgain = false;
          await this.#read();
        } while (this.#isReadAgain && !this.#isEnded);
      } finally {
        this.#reading = undefined;
        this.changed.touch();
      }
    })();
    return this.#reading;
  }

  /** Says something, and asks the model for an answer. Throws when it could not be asked. */
  async send(text: string, model: Model): Promise<void> {
    if (!this.isCaughtUp) await this.load();
    if (!this.isCaughtUp) throw new Error(this.loadError ?? "The chat could not be read.");
    const before = this.currentId;
    const question: ChatMessage = {
      id: newId(),
      parentId: before,
      childrenIds: [],
      role: "user",
      content: text,
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
      this.#remove(question, before);
      throw thrown;
    }
  }

  /** Asks again for an answer to the same question; the old one stays beside it. */
  async regenerate(answer: ChatMessage, model: Model): Promise<void> {
    const question = this.#questionOf(answer);
    if (question) await this.#askAgain(question, model);
  }

  /** Has an answer that was cut at its limit go on. */
  async continueAnswer(answer: ChatMessage, model: Model): Promise<void> {
    const question = this.#questionOf(answer);
    if (question) await this.#askAgain(question, model, answer);
  }

  /** Ends everything that is being answered in this chat, on whichever instance. */
  async stop(): Promise<void> {
    for (const one of this.#asking.values()) one.isStopped = true;
    // A chat that has no id yet is asked in once it has one, and stopped there.
    if (this.id !== undefined) {
      await stopAnswers(this.#session.api, this.id, [...this.#asking.keys()]);
    }
  }

  /** The message and its alternatives. */
  siblings(message: ChatMessage): string[] {
    return siblingsOf(this.messages ?? {}, message);
  }

  /** Shows the branch through this message, down to its newest end. */
  show(id: string): void {
    this.currentId = endOfBranch(this.messages ?? {}, id);
    this.changed.touch();
  }

  [Symbol.dispose](): void {
    this.#isEnded = true;
    clearTimeout(this.#readLater);
    for (const end of this.#ends) end();
    for (const { end } of this.#followed.values()) end();
    this.#followed.clear();
  }

  #missed(): void {
    if (this.id === undefined) return;
    this.isCaughtUp = false;
    this.changed.touch();
    void this.load();
  }

  async #read(): Promise<void> {
    clearTimeout(this.#readLater);
    const askedTimes = this.#askedTimes;
    try {
      const chat = await this.#session.api<Chat>("GET", `/api/v1/chats/${this.id}`);
      if (this.#isEnded) return;
      // What was asked while it was read may be missing in it.
      if (askedTimes !== this.#askedTimes) return void (this.#isReadAgain = true);
      this.#take(chat);
      this.loadError = undefined;
      this.isCaughtUp = true;
    } catch (thrown) {
      if (this.#isEnded) return;
      const isGone = thrown instanceof ClientError && thrown.code === "not_found";
      // What is here can be read on, until it is known what became of it.
      if (isGone || this.messages === undefined) this.loadError = messageOf(thrown);
      if (!isGone && this.#session.connection.status.state === "online") {
        this.#readLater = setTimeout(() => void this.load(), READ_AGAIN_MS);
      }
    }
  }

  /** What the server has counts; what one looks at stays. */
  #take({ title, chat }: Chat): void {
    const { messages: stored = {}, currentId = null } = chat.history ?? {};
    const asking = [...this.#asking].flatMap(([id, { questionId }]) => [questionId, id]);
    const streaming = new Set(this.#followed.keys());
    const { currentId: shown } = this;
    this.title = title;
    this.messages = caughtUp(stored as Messages, this.messages ?? {}, { asking, streaming });
    this.currentId = shown !== null && this.messages[shown]
      ? endOfBranch(this.messages, shown)
      : currentId;
    for (const message of Object.values(this.messages)) {
      if (isOpen(message) && !this.#asking.has(message.id)) this.#follow(message, true);
    }
  }

  #questionOf({ parentId }: ChatMessage): ChatMessage | undefined {
    return parentId ? this.messages?.[parentId] : undefined;
  }

  /** Asks a question that is in the chat; what goes wrong is told where the answer would stand. */
  async #askAgain(question: ChatMessage, model: Model, cut?: ChatMessage): Promise<void> {
    const id = cut?.id ?? newId();
    try {
      await this.#ask(question, model, { id, ...(cut && { cut }) });
    } catch (thrown) {
      this.#failed(id, question, model, thrown);
    }
  }

  /** Tells where the answer would stand why there is none. An answer that is under way goes on. */
  #failed(id: string, question: ChatMessage, model: Model, thrown: unknown): void {
    const isUnsure = thrown instanceof ClientError && thrown.code === "offline";
    if (isUnsure && this.#followed.has(id)) return;
    this.#settle(id);
    const error = { code: "unavailable", content: messageOf(thrown) };
    this.#add({ ...this.messages?.[id] ?? emptyAnswer(id, question, model), done: true, error });
  }

  async #ask(
    question: ChatMessage,
    model: Model,
    { id, cut }: { id: string; cut?: ChatMessage },
  ): Promise<void> {
    const { api, connection } = this.#session;
    const asked = { questionId: question.id, isStopped: false };
    this.#asking.set(id, asked);
    this.#askedTimes++;
    this.saidHere++;
    if (cut) this.#put({ ...cut, done: false });
    else this.#add(emptyAnswer(id, question, model));
    this.changed.touch();
    try {
      const chatId = this.id ?? await this.#create(model);
      if (asked.isStopped) await stopAnswers(api, chatId, [id]);
      if (!cut) this.#follow({ ...emptyAnswer(id, question, model) }, false);
      await ask(api, {
        ...{ chatId, question, answerId: id, model: model.id, isDirect: model.isDirect },
        sessionId: connection.sessionId,
        isContinued: cut !== undefined,
      });
      if (cut) this.#follow(cut, true);
    } catch (thrown) {
      this.#settle(id);
      throw thrown;
    } finally {
      this.#asking.delete(id);
      this.#askedTimes++;
      this.changed.touch();
    }
  }

  async #create(model: Model): Promise<string> {
    const body = { chat: { models: [model.id] } };
    const chat = await this.#session.api<Chat>("POST", "/api/v1/chats/new", body);
    this.id = chat.id;
    this.title = chat.title;
    this.#onCreated(chat.id);
    return chat.id;
  }

  /** Whether the question has arrived, though nothing said so: then it is not asked twice. */
  async #isAskedAfterAll(questionId: string): Promise<boolean> {
    if (this.id === undefined) return false;
    const chat = await this.#session.api<Chat>("GET", `/api/v1/chats/${this.id}`)
      .catch(() => undefined);
    if (!chat?.chat.history?.messages?.[questionId]) return false;
    this.#take(chat);
    return true;
  }

  #follow({ id, model }: ChatMessage, resume: boolean): void {
    const chatId = this.id;
    if (chatId === undefined || this.#followed.has(id)) return;
    const { chats, api } = this.#session;
    const stored = async () => {
      const { chat } = await api<Chat>("GET", `/api/v1/chats/${chatId}`);
      return storedAnswer(chat.history?.messages?.[id] as ChatMessage | undefined);
    };
    const answer = chats.follow({ chatId, messageId: id, resume, stored });
    const offs = [answer.onChange(() => this.#streamed(id, answer))];
    if (model) offs.push(chats.useModel(model));
    const end = () => {
      for (const off of offs) off();
      chats.unfollow(answer);
    };
    this.#followed.set(id, { answer, end });
  }

  #streamed(id: string, { answer }: FollowedAnswer): void {
    const message = this.messages?.[id];
    if (!message || (answer.generation === undefined && !answer.isDone)) return;
    this.#put(streamedInto(message, answer));
    if (answer.isDone) this.#settle(id);
    this.changed.touch();
  }

  #settle(id: string): void {
    this.#followed.get(id)?.end();
    this.#followed.delete(id);
  }

  #add(message: ChatMessage): void {
    this.messages = withMessage(this.messages ?? {}, message);
    this.currentId = message.id;
    this.changed.touch();
  }

  /** Takes back a question that was not asked, with its answer. */
  #remove({ id, parentId }: ChatMessage, shown: string | null): void {
    const left = Object.values(this.messages ?? {})
      .filter((message) => message.id !== id && message.parentId !== id)
      .map((message) =>
        message.id === parentId
          ? { ...message, childrenIds: message.childrenIds.filter((child) => child !== id) }
          : message
      );
    this.messages = Object.fromEntries(left.map((message) => [message.id, message]));
    this.currentId = shown;
    this.changed.touch();
  }

  #put(message: ChatMessage): void {
    this.messages = { ...this.messages, [message.id]: message };
  }
}

function emptyAnswer(id: string, question: ChatMessage, { id: model }: Model): ChatMessage {
  return { id, parentId: question.id, childrenIds: [], role: "assistant", content: "", model };
}
