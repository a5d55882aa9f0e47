/** What was acknowledged, and has to be there whatever has happened since. */
import type { Chat, ChatMessage } from "../../lib/protocol/chat.ts";
import type { Person } from "../support/server.ts";

/** Redis' replicas are told after the client is: what a master acknowledged last may die with it. */
const REPLICATION_MS = 1_000;

export interface Promised {
  person: Person;
  chatId: string;
  /** Texts that emitters have appended to the question, each acknowledged. */
  emitted: { text: string; atMs: number }[];
  atMs: number;
}

export interface Faults {
  readonly found: string[];
  /** Acknowledged by a master in its last second, and gone with it. */
  excused: number;
}

export class Ledger {
  readonly #chats: Promised[] = [];
  readonly #mastersDiedAt: number[] = [];

  /** Chats and emitted texts. */
  get size(): number {
    return this.#chats.reduce((sum, { emitted }) => sum + 1 + emitted.length, 0);
  }

  chat(person: Person, chatId: string): Promised {
    const promised: Promised = { person, chatId, emitted: [], atMs: performance.now() };
    this.#chats.push(promised);
    return promised;
  }

  /** A master that had replicas was killed at this moment. */
  masterDied(): void {
    this.#mastersDiedAt.push(performance.now());
  }

  /** Whether it was acknowledged in a master's last moment. */
  isExcused(atMs: number): boolean {
    return this.#mastersDiedAt.some((diedAt) => diedAt >= atMs && diedAt - atMs < REPLICATION_MS);
  }

  /** Looks for everything. */
  async audit(): Promise<Faults> {
    const faults: Faults = { found: [], excused: 0 };
    const miss = (atMs: number, what: string) => {
      if (this.isExcused(atMs)) faults.excused++;
      else faults.found.push(what);
    };
    const queue = this.#chats.values();
    await Promise.all(Array.from({ length: 8 }, async () => {
      for (const { person, chatId, emitted, atMs } of queue) {
        // What is acknowledged while the chat is read need not be in what was read.
        const known = [...emitted];
        const question = (await readChat(person, chatId))?.["q"];
        if (!question) {
          miss(atMs, `chat ${chatId} is lost`);
          continue;
        }
        for (const { text, atMs } of known) {
          const times = (question.content ?? "").split(text).length - 1;
          if (times !== 1) miss(atMs, `"${text}" is ${times} times in chat ${chatId}`);
        }
      }
    }));
    return faults;
  }
}

/** The messages of a chat; `undefined` when the server says that there is none. */
export async function readChat(
  person: Person,
  chatId: string,
): Promise<Record<string, ChatMessage> | undefined> {
  for (let attempt = 1;; attempt++) {
    try {
      const response = await person.call("GET", `/api/v1/chats/${chatId}`);
      if (response.status === 404) return void await response.body?.cancel();
      const { chat } = await response.json() as Chat;
      if (response.ok) return chat.history?.messages ?? {};
    } catch {
      // An instance that has died, or a store that is away: another one is asked.
    }
    if (attempt === 40) throw new Error(`Nobody can say what chat ${chatId} holds`);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}
