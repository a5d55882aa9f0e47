import { messageOf } from "../client/errors.ts";
import type { FollowedAnswer } from "../client/followed_answer.ts";
import { changedMessage } from "../client/message_events.ts";
import type { Chat, ChatMessage } from "../protocol/chat.ts";
import type { AppSession, Model } from "./app_session.ts";
import { newId } from "./new_id.ts";
import { Observable } from "./observable.ts";

type Messages = Record<string, ChatMessage>;

/** An answer whose message has been asked for and not ended. */
const isOpen = ({ role, done, error, interrupted }: ChatMessage) =>
  role === "assistant" && done !== true && !error && interrupted !== true;

/** One chat on the page: its messages as a tree, the branch that is shown, and what streams. */
export class ChatModel implements Disposable {
  readonly changed = new Observable<ChatModel>(this);
  id: string | undefined;
  title = "";
  /** `undefined`: loading. */
  messages: Messages | undefined;
  currentId: string | null = null;
  loadError: string | undefined;
  readonly #session: AppSession;
  readonly #onCreated: (id: string) => void;
  readonly #followed = new Map<string, { answer: FollowedAnswer; end: () => void }>();
  readonly #ends: (() => void)[];
  #isSending = false;
  #isEnded = false;

  constructor(session: AppSession, id: string | undefined, onCreated: (id: string) => void) {
    this.#session = session;
    this.id = id;
    this.#onCreated = onCreated;
    if (id === undefined) this.messages = {};
    this.#ends = [
      session.chats.onEvent((event) => {
        if (event.chatId !== this.id) return;
        const message = this.messages?.[event.messageId];
        if (event.type === "chat:title") this.title = event.data;
        // Asked for in another tab: it is here as soon as it is loaded.
        else if (event.type === "chat:active" && event.data.active && !message) void this.load();
        else if (message) this.#put(changedMessage(message, event));
        this.changed.touch();
      }),
      session.connection.onOnline(() => {
        if (this.loadError !== undefined) void this.load();
      }),
    ];
  }

  /** The messages of the branch that is shown, oldest first. */
  get branch(): ChatMessage[] {
    const branch: ChatMessage[] = [];
    const seen = new Set<string>();
    let at = this.currentId;
    while (at !== null && !seen.has(at)) {
      seen.add(at);
      const message: ChatMessage | undefined = this.messages?.[at];
      if (!message) break;
      branch.unshift(message);
      at = message.parentId ?? null;
    }
    return branch;
  }

  get isStreaming(): boolean {
    return this.#isSending || this.#followed.size > 0;
  }

  async load(): Promise<void> {
    if (this.id === undefined) return;
    try {
      const chat = await this.#session.api<Chat>("GET", `/api/v1/chats/${this.id}`);
      if (this.#isEnded) return;
      this.title = chat.title;
      this.loadError = undefined;
      const stored = chat.chat.history?.messages ?? {};
      this.messages = { ...stored };
      this.currentId = chat.chat.history?.currentId ?? Object.keys(stored).at(-1) ?? null;
      for (const message of Object.values(this.messages)) {
        if (isOpen(message)) this.#follow(message, true);
      }
    } catch (thrown) {
      this.loadError = messageOf(thrown);
    }
    this.changed.touch();
  }

  /** Says something, and asks the model for an answer. Throws when it could not be asked. */
  async send(text: string, model: Model): Promise<void> {
    const question: ChatMessage = {
      id: newId(),
      parentId: this.currentId,
      childrenIds: [],
      role: "user",
      content: text,
      timestamp: Math.floor(Date.now() / 1000),
    };
    this.#isSending = true;
    const before = { messages: this.messages, currentId: this.currentId };
    this.#add(question);
    try {
      await this.#store(model);
      await this.#ask(question, model);
    } catch (thrown) {
      // Nothing was asked: the text goes back to where it was written.
      this.messages = before.messages;
      this.currentId = before.currentId;
      throw thrown;
    } finally {
      this.#isSending = false;
      this.changed.touch();
    }
  }

  /** Asks again for an answer to the same question; the old one stays beside it. */
  async regenerate(answer: ChatMessage, model: Model): Promise<void> {
    const question = answer.parentId ? this.messages?.[answer.parentId] : undefined;
    if (question) await this.#ask(question, model);
  }

  /** Ends everything that is being answered in this chat, on whichever instance. */
  async stop(): Promise<void> {
    await this.#session.api("POST", `/api/tasks/chat/${this.id}/stop`);
  }

  /** The other answers to the same question, in their order. */
  siblings({ parentId, id, role }: ChatMessage): string[] {
    const all = Object.values(this.messages ?? {});
    const own = all.filter((one) =>
      (one.parentId ?? null) === (parentId ?? null) && one.role === role
    );
    const parent = parentId ? this.messages?.[parentId] : undefined;
    const order = parent?.childrenIds ?? [];
    const ids = own.map((one) => one.id)
      .sort((a, b) => order.indexOf(a) - order.indexOf(b));
    return ids.includes(id) ? ids : [id];
  }

  /** Shows the branch through this message, down to its newest end. */
  show(id: string): void {
    let at = id;
    const seen = new Set<string>();
    for (;;) {
      seen.add(at);
      const next = this.messages?.[at]?.childrenIds.findLast((child) => this.messages?.[child]);
      if (next === undefined || seen.has(next)) break;
      at = next;
    }
    this.currentId = at;
    this.changed.touch();
  }

  [Symbol.dispose](): void {
    this.#isEnded = true;
    for (const end of this.#ends) end();
    for (const { end } of this.#followed.values()) end();
    this.#followed.clear();
  }

  async #store(model: Model): Promise<void> {
    const history = { currentId: this.currentId, messages: this.messages ?? {} };
    const { api } = this.#session;
    if (this.id !== undefined) {
      await api<Chat>("POST", `/api/v1/chats/${this.id}`, { chat: { history } });
      return;
    }
    const chat = await api<Chat>("POST", "/api/v1/chats/new", {
      chat: { models: [model.id], history },
    });
    this.id = chat.id;
    this.title = chat.title;
    this.#onCreated(chat.id);
  }

  async #ask(question: ChatMessage, model: Model): Promise<void> {
    const { api, connection } = this.#session;
    const answer: ChatMessage = {
      id: newId(),
      parentId: question.id,
      childrenIds: [],
      role: "assistant",
      content: "",
      model: model.id,
    };
    this.currentId = question.id;
    const messages = this.branch.map(({ role, content }) => ({ role, content }));
    this.#add(answer);
    this.#follow(answer, false);
    try {
      await api("POST", "/api/chat/completions", {
        ...{ model: model.id, messages, stream: true },
        ...{ chat_id: this.id, id: answer.id, parent_id: question.id },
        session_id: connection.sessionId,
        ...(model.isDirect && { model_item: { id: model.id, direct: true } }),
      });
    } catch (thrown) {
      this.#settle(answer.id);
      this.#put({
        ...this.messages?.[answer.id] ?? answer,
        done: true,
        error: { code: "unavailable", content: messageOf(thrown) },
      });
      this.changed.touch();
    }
  }

  #follow({ id, model }: ChatMessage, resume: boolean): void {
    const chatId = this.id;
    if (chatId === undefined || this.#followed.has(id)) return;
    const { chats } = this.#session;
    const answer = chats.follow({
      chatId,
      messageId: id,
      resume,
      stored: () => this.#stored(chatId, id),
    });
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
    this.#put({
      ...message,
      content: answer.content,
      ...(answer.reasoning !== "" && { reasoning_content: answer.reasoning }),
      ...(answer.isDone && { done: true }),
      ...(answer.isInterrupted && { interrupted: true }),
      ...(answer.error && { error: answer.error }),
      ...(answer.usage && { usage: answer.usage }),
    });
    if (answer.isDone) this.#settle(id);
    this.changed.touch();
  }

  async #stored(chatId: string, id: string) {
    const chat = await this.#session.api<Chat>("GET", `/api/v1/chats/${chatId}`);
    const message: ChatMessage | undefined = chat.chat.history?.messages?.[id];
    const { content = "", reasoning_content: reasoning, interrupted } = message ?? {};
    return {
      content,
      ...(reasoning !== undefined && { reasoning }),
      // An answer that nobody writes any more and that has no end was cut off.
      isInterrupted: interrupted === true || message?.done !== true,
    };
  }

  #settle(id: string): void {
    this.#followed.get(id)?.end();
    this.#followed.delete(id);
  }

  #add(message: ChatMessage): void {
    const parent = message.parentId ? this.messages?.[message.parentId] : undefined;
    if (parent) this.#put({ ...parent, childrenIds: [...parent.childrenIds, message.id] });
    this.#put(message);
    this.currentId = message.id;
    this.changed.touch();
  }

  #put(message: ChatMessage): void {
    this.messages = { ...this.messages, [message.id]: message };
  }
}
