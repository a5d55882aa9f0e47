import { type Chat, type ChatMessage, isTemporary } from "../protocol/chat.ts";
import type { AnswerSnapshot } from "./answer.ts";
import { postQuestion, stopAnswers } from "./ask.ts";
import { branchTo, emptyAnswer, failedAnswer, isOpen, wentOn } from "./chat_history.ts";
import type { AskedModel, ChatModelOptions, ChatSetup, ChatSnapshot } from "./chat_snapshot.ts";
import { requestOf } from "./chat_request.ts";
import type { ChatEventHandler } from "./chats.ts";
import type { CaughtUp } from "./comeback.ts";
import { ClientError, isClientError, messageOf } from "./errors.ts";
import { FollowedMessages } from "./followed_messages.ts";
import { KeptSetup } from "./kept_setup.ts";
import { Listeners } from "./listeners.ts";
import { changedMessage } from "./message_events.ts";
import { newId } from "./new_id.ts";
import { type Read, RepeatedReading } from "./repeated_reading.ts";
import type { Readable } from "./store.ts";
import { ShownTree } from "./shown_tree.ts";
import { streamedInto } from "./streamed_message.ts";

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
  readonly #tree = new ShownTree();
  /** Kept by nobody: it ends with this model. */
  readonly #isTemporary: boolean;
  readonly #setup = new KeptSetup();
  #loadError: string | undefined;
  #isGone = false;
  #isCaughtUp: boolean;
  #saidHere = 0;
  #snapshot: ChatSnapshot | undefined;
  readonly #reading = new RepeatedReading(() => this.#read().finally(() => this.#touch()));
  #askedTimes = 0;
  #isEnded = false;

  /** Nothing is read before `load`. */
  constructor(
    chats: ChatEventHandler,
    { chatId, isTemporary: isOfHere = false, onCreated }: ChatModelOptions = {},
  ) {
    this.#chats = chats;
    this.#id = chatId;
    this.#onCreated = onCreated;
    this.#isTemporary = isOfHere || (chatId !== undefined && isTemporary(chatId));
    this.#isCaughtUp = chatId === undefined || this.#isTemporary;
    if (this.#isCaughtUp) this.#tree.messages = {};
    if (this.#isTemporary && chatId !== undefined) {
      this.#isGone = true;
      this.#loadError = "This chat was a temporary one, and is over.";
    }
    this.#followed = new FollowedMessages(chats, (id, answer) => this.#streamed(id, answer));
    this.#ends = [
      chats.onEvent((event) => {
        if (event.chatId !== this.#id) return;
        const message = this.#tree.get(event.messageId);
        if (event.type === "chat:title") this.#title = event.data;
        else if (event.type === "chat:list" && event.data?.reason !== "marked") void this.load();
        else if (event.type === "chat:active" && event.data.active && !message) void this.load();
        else if (message) this.#tree.put(changedMessage(message, event));
        this.#touch();
      }),
      chats.connection.on("missed", () => void this.#missed()),
      chats.connection.onOnline(() => this.#missed()),
    ];
  }

  /** What there is now: the same object until something changes. */
  get snapshot(): ChatSnapshot {
    return this.#snapshot ??= {
      id: this.#id,
      title: this.#title,
      messages: this.#tree.messages,
      branch: this.#tree.branch,
      isStreaming: this.#isStreaming,
      isCaughtUp: this.#isCaughtUp,
      loadError: this.#loadError,
      isGone: this.#isGone,
      isTemporary: this.#isTemporary,
      setup: this.#setup.now,
      saidHere: this.#saidHere,
    };
  }

  /** Hears each change. Returns the end. */
  readonly subscribe = (listener: () => void): () => void => this.#listeners.add(listener);

  get #isStreaming(): boolean {
    // An answer may have ended before its request has been answered.
    return this.#followed.size > 0 ||
      [...this.#asking.keys()].some((id) => this.#tree.get(id)?.done !== true);
  }

  #touch(): void {
    this.#snapshot = undefined;
    this.#listeners.tell();
  }

  /** Reads what the server has. A change while it is read has it read again. */
  async load(): Promise<void> {
    if (this.#id === undefined || this.#isTemporary) return;
    await this.#reading.now();
  }

  /**
   * Changes what the chat is asked with, on all devices: its models, system prompt, parameters.
   * Throws when that could not be kept; then it is as it was.
   */
  async configure(changes: Partial<ChatSetup>): Promise<void> {
    const changing = this.#setup.change(changes, async () => {
      if (this.#id === undefined || this.#isTemporary) return;
      const { models, params } = this.#setup.now;
      await this.#chats.connection.api("POST /api/v1/chats/{id}", {
        params: { id: this.#id },
        body: { chat: { models: [...models], params } },
      });
    });
    this.#touch();
    await changing.finally(() => this.#touch());
  }

  /** Says something, and asks the model for an answer. Throws when it could not be asked. */
  async send(text: string, model: AskedModel): Promise<void> {
    if (!this.#isCaughtUp) await this.load();
    if (!this.#isCaughtUp) {
      throw new ClientError("unavailable", this.#loadError ?? "The chat could not be read.");
    }
    await this.#say(text, this.#tree.currentId, model);
  }

  /** Says something else in the place of a question; the old one stays beside it. */
  async edit(questionId: string, text: string, model: AskedModel): Promise<void> {
    const old = this.#tree.get(questionId);
    if (old) await this.#say(text, old.parentId ?? null, model);
  }

  async #say(text: string, parentId: string | null, model: AskedModel): Promise<void> {
    const before = this.#tree.currentId;
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
      this.#tree.drop(question, before);
      this.#touch();
      throw thrown;
    }
  }

  /** Asks again for an answer to the same question; the old one stays beside it. */
  async regenerate(answerId: string, model: AskedModel): Promise<void> {
    const question = this.#tree.get(this.#tree.get(answerId)?.parentId);
    if (question) await this.#askAgain(question, model);
  }

  /** Has an answer go on where it ends: it was cut at its limit, stopped, or broke off. */
  async continueAnswer(answerId: string, model: AskedModel): Promise<void> {
    const answer = this.#tree.get(answerId);
    const question = this.#tree.get(answer?.parentId);
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
  siblings = (message: ChatMessage): string[] => this.#tree.siblings(message);

  /** Shows the branch through this message, down to its newest end. */
  show(id: string): void {
    this.#tree.show(id);
    this.#touch();
  }

  /** Follows nothing any more; the answers go on at the server. */
  [Symbol.dispose](): void {
    this.#isEnded = true;
    this.#reading[Symbol.dispose]();
    for (const end of this.#ends) end();
    this.#followed.clear();
  }

  /** The same as disposing of it. */
  close(): void {
    this[Symbol.dispose]();
  }

  async #missed(): Promise<CaughtUp> {
    if (this.#id === undefined || this.#isTemporary) return "whole";
    this.#isCaughtUp = false;
    this.#touch();
    await this.load();
    return this.#isCaughtUp ? "whole" : this.#isGone ? "anew" : "failed";
  }

  async #read(): Promise<Read> {
    const askedTimes = this.#askedTimes;
    try {
      const chat = await this.#get();
      if (this.#isEnded) return "done";
      // What was asked while it was read may be missing in it.
      if (askedTimes !== this.#askedTimes) return "again";
      this.#take(chat);
      this.#loadError = undefined;
      this.#isGone = false;
      this.#isCaughtUp = true;
      return "done";
    } catch (thrown) {
      if (this.#isEnded) return "done";
      this.#isGone = isClientError(thrown, "not_found");
      // What is here can be read on, until it is known what became of it.
      if (this.#isGone || this.#tree.messages === undefined) this.#loadError = messageOf(thrown);
      return this.#isGone || this.#chats.connection.status.state !== "online" ? "done" : "later";
    }
  }

  #take({ title, chat }: Chat): void {
    this.#title = title;
    this.#setup.take(chat);
    this.#tree.take(chat.history ?? {}, {
      asking: [...this.#asking].flatMap(([id, { questionId }]) => [questionId, id]),
      streaming: this.#followed.ids,
    });
    for (const message of Object.values(this.#tree.messages ?? {})) {
      if (isOpen(message) && !this.#asking.has(message.id)) this.#follow(message, true);
    }
  }

  /** Asks a question that is in the chat; what goes wrong is told where the answer would stand. */
  async #askAgain(question: ChatMessage, model: AskedModel, cut?: ChatMessage): Promise<void> {
    const id = cut?.id ?? newId();
    try {
      await this.#ask(question, model, { id, ...(cut && { cut }) });
    } catch (thrown) {
      if (cut) await this.load();
      if (cut && wentOn(cut, this.#tree.get(id))) return;
      this.#failed(id, question, model, thrown);
    }
  }

  /** Tells where the answer would stand why there is none. One that is under way or whole counts. */
  #failed(id: string, question: ChatMessage, model: AskedModel, thrown: unknown): void {
    const isThere = this.#followed.has(id) || this.#tree.get(id)?.done;
    if (isClientError(thrown, "offline", "timeout") && isThere) return;
    this.#followed.remove(id);
    const answer = this.#tree.get(id) ?? emptyAnswer(id, question, model.id);
    this.#add(failedAnswer(answer, messageOf(thrown)));
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
    if (cut) this.#tree.put({ ...cut, done: false });
    else this.#add(emptyAnswer(id, question, model.id));
    this.#touch();
    try {
      const chatId = this.#id ?? await this.#create(model);
      if (asked.isStopped) await stopAnswers(this.#chats.connection.api, chatId, [id]);
      if (!cut) this.#follow(emptyAnswer(id, question, model.id), false);
      await postQuestion(this.#chats.connection.api, {
        ...{ chatId, answerId: id, model: model.id, isDirect: model.isDirect },
        ...requestOf(this.#setup.now, {
          question,
          cut,
          ...(this.#isTemporary && { said: branchTo(this.#tree.messages ?? {}, question.id) }),
        }),
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
    const { params, models: [first = model.id] } = this.#setup.now;
    const body = { chat: { models: [first], params } };
    const { id, title } = this.#isTemporary
      ? { id: `temporary:${newId()}`, title: "" }
      : await this.#chats.connection.api("POST /api/v1/chats/new", { body });
    this.#setup.now = { ...this.#setup.now, models: [first] };
    [this.#id, this.#title] = [id, title];
    this.#onCreated?.(id);
    return id;
  }

  /** Whether the question has arrived, though nothing said so: then it is not asked twice. */
  async #isAskedAfterAll(questionId: string): Promise<boolean> {
    if (this.#id === undefined || this.#isTemporary) return false;
    const chat = await this.#get().catch(() => undefined);
    if (!chat?.chat.history?.messages?.[questionId]) return false;
    this.#take(chat);
    this.#touch();
    return true;
  }

  #get(): Promise<Chat> {
    return this.#chats.connection.api("GET /api/v1/chats/{id}", { params: { id: this.#id ?? "" } });
  }

  #follow(message: ChatMessage, resume: boolean): void {
    if (this.#id !== undefined) this.#followed.add(this.#id, message, resume);
  }

  #streamed(id: string, answer: AnswerSnapshot): void {
    const message = this.#tree.get(id);
    if (!message || (answer.generation === undefined && !answer.isDone)) return;
    this.#tree.put(streamedInto(message, answer));
    if (answer.isDone) this.#followed.remove(id);
    this.#touch();
  }

  #add(message: ChatMessage): void {
    this.#tree.add(message);
    this.#touch();
  }
}
