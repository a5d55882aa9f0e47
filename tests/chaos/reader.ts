/**
 * A tab that shows an answer by the rules of Open WebUI's page (0.12.4): deltas are added, a part that
 * is said to be whole replaces them, the chat is read anew when the tab is told to, and when its chat
 * is no longer active though the answer has not ended. What it shows in the end must be what is stored.
 */
import { pause } from "../../lib/common/pause.ts";
import { ask } from "../interop/real/checks/chats.ts";
import type { Person, Tab } from "../interop/real/person.ts";

interface Message {
  content?: string;
  done?: boolean;
}

/** A part of an answer, as Python says it when it is whole. */
interface Item {
  type?: string;
  content?: { text?: string }[];
}

interface Told {
  chat_id?: string;
  message_id?: string;
  data?: {
    type?: string;
    data?: {
      type?: string;
      delta?: string;
      content?: unknown;
      item?: Item;
      output?: Item[];
      done?: boolean;
      active?: boolean;
    };
  };
}

const textOf = (items: readonly Item[]) =>
  items.filter(({ type }) => type === "message")
    .flatMap(({ content = [] }) => content.map(({ text = "" }) => text)).join("");

/** An answer that has not ended by then never will. */
const END_LIMIT_MS = 30_000;
/** What is shown is the truth this long after the end at the latest. */
const SETTLE_MS = 5_000;

export class Reader implements Disposable {
  /** How often the tab was told to read a chat again. */
  reloads = 0;
  /** How often its socket was lost. */
  losses = 0;
  /** How often it could not read the chat that it was told to read: the page leaves the chat then. */
  failedReloads = 0;
  readonly person: Person;
  readonly #tab: Tab;
  readonly #marks = new Set<string>();
  #asked: Promise<{ chatId: string; messageId: string }> | undefined;
  #shown = "";
  #messageId = "";
  #isDone = false;

  private constructor(person: Person, tab: Tab) {
    this.person = person;
    this.#tab = tab;
    const { socket } = tab;
    // As the page does on each connect, and for the chat that is open.
    socket.on("connect", () => void this.#join().catch(() => {}));
    socket.on("disconnect", () => this.losses++);
    socket.on("events", (told: Told) => this.#hear(told));
    socket.on("events:channel", ({ data }) => {
      if (data?.type === "message") this.#marks.add(String(data.data?.content));
    });
  }

  static async open(person: Person): Promise<Reader> {
    const reader = new Reader(person, await person.tab());
    await reader.#join();
    return reader;
  }

  /** Whether a message of the channel with this text has come. */
  hasHeard(mark: string): boolean {
    return this.#marks.has(mark);
  }

  /** Asks in a new chat, and looks at it and no longer at the one before. */
  async ask(): Promise<void> {
    if (this.#asked) await this.#look((await this.#asked).chatId, "leave");
    this.#shown = "";
    this.#messageId = "";
    this.#isDone = false;
    this.#asked = ask(this.person, { sid: this.#tab.socket.id ?? "" }, { background_tasks: {} });
    const { chatId, messageId } = await this.#asked;
    this.#messageId = messageId;
    await this.#look(chatId);
  }

  async asked(): Promise<{ chatId: string; messageId: string }> {
    if (!this.#asked) throw new Error("Nothing has been asked");
    return await this.#asked;
  }

  /** Waits for the answer's end; says whether it is stored as the model said it, and shown as it is stored. */
  async judge(said: string): Promise<{ isStored: boolean; problem?: string }> {
    const began = performance.now();
    let stored: Message = {};
    while (performance.now() - began < END_LIMIT_MS && !stored.done) {
      stored = await this.#read().catch(() => ({}));
      if (!stored.done) await pause(100);
    }
    const isStored = stored.content?.trim() === said.trim();
    // What Python itself did not end has no text that could be shown.
    if (!stored.done) return { isStored };
    const isShown = () => this.#shown.trim() === stored.content?.trim();
    for (let waited = 0; waited < SETTLE_MS && !isShown(); waited += 50) await pause(50);
    if (isShown()) return { isStored };
    const lengths = `${this.#shown.length} of ${stored.content?.length} characters`;
    return { isStored, problem: `a tab of ${this.person.name} shows a wrong text: ${lengths}` };
  }

  async #join(): Promise<void> {
    const { socket } = this.#tab;
    await socket.timeout(5_000).emitWithAck("user-join", { auth: { token: this.person.token } });
    if (this.#asked) await this.#look((await this.#asked).chatId);
  }

  async #look(chatId: string, type = "join"): Promise<void> {
    await this.#tab.socket.timeout(5_000).emitWithAck("events:chat", {
      ...{ chat_id: chatId, data: { type } },
    });
  }

  async #read(): Promise<Message> {
    const { chatId, messageId } = await this.asked();
    // deno-lint-ignore no-explicit-any
    const { chat } = await this.person.api<any>("GET", `/api/v1/chats/${chatId}`);
    return chat.history.messages[messageId] ?? {};
  }

  async #tasks(): Promise<{ task_ids: string[] }> {
    return await this.person.api("GET", `/api/tasks/chat/${(await this.asked()).chatId}`);
  }

  #hear({ message_id, data: { type, data } = {} }: Told): void {
    if (type === "chat:reload") {
      this.reloads++;
      return void this.#reload();
    }
    if (message_id !== this.#messageId && this.#messageId !== "") return;
    if (type === "chat:active" && data?.active === false && !this.#isDone) void this.#reload();
    if (type === "chat:completion" && data?.done) this.#isDone = true;
    if (type === "response:completion" && data?.type === "response.output_text.delta") {
      this.#shown += data.delta;
    } else if (type === "response:completion" && data?.item && data.type?.endsWith(".done")) {
      this.#shown = textOf([data.item]) || this.#shown;
    } else if (type === "chat:completion" && data?.output) {
      this.#shown = textOf(data.output) || this.#shown;
    } else if (type === "chat:completion" && typeof data?.content === "string") {
      this.#shown = data.content;
    }
  }

  async #reload(): Promise<void> {
    const before = this.#shown;
    try {
      const { content, done } = await this.#read();
      const { task_ids } = await this.#tasks();
      // What is said meanwhile is newer.
      if (content !== undefined && this.#shown === before) this.#shown = content;
      // Nobody answers any more: the page takes what there is for the end.
      if (done || task_ids.length === 0) this.#isDone = true;
    } catch {
      this.failedReloads++;
    }
  }

  [Symbol.dispose](): void {
    this.#tab[Symbol.dispose]();
  }
}
