/** Answers, so many a minute, each to a person of the crowd who hears it to its end. */
import { pause } from "../../lib/common/pause.ts";
import type { Chat } from "../../lib/protocol/chat.ts";
import type { Crowd } from "./crowd.ts";
import type { World } from "./world.ts";

/** An answer takes 5 s; one that has not ended after this is lost. */
const LIMIT_MS = 30_000;

export class Streams {
  begun = 0;
  whole = 0;
  readonly faults: string[] = [];
  readonly #waiting = new Map<string, () => void>();
  readonly #world: World;
  readonly #crowd: Crowd;

  constructor(world: World, crowd: Crowd) {
    this.#world = world;
    this.#crowd = crowd;
    crowd.onDone = (_, messageId) => this.#waiting.get(messageId)?.();
  }

  /** People ask until the signal is aborted, and hear their answers' ends after it. */
  async run(perMinute: number, people: () => number, signal: AbortSignal): Promise<void> {
    const running = new Set<Promise<void>>();
    while (!signal.aborted && perMinute > 0) {
      const one = this.#ask(people());
      running.add(one);
      void one.finally(() => running.delete(one));
      await pause(60_000 / perMinute, signal);
    }
    await Promise.all(running);
  }

  /** Never rejects. */
  async #ask(person: number): Promise<void> {
    const sid = this.#crowd.sidOf(person);
    const who = this.#world.people[person];
    if (sid === undefined || !who) return;
    this.begun++;
    const [question, answer] = [crypto.randomUUID(), crypto.randomUUID()];
    const ended = new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(false), LIMIT_MS);
      this.#waiting.set(answer, () => {
        clearTimeout(timer);
        resolve(true);
      });
    });
    try {
      const asked = { id: question, role: "user", content: "Say something.", childrenIds: [] };
      const chat = await who.json<Chat>("POST", "/api/v1/chats/new", {
        chat: { history: { currentId: question, messages: { [question]: asked } } },
      });
      await who.json("POST", "/api/chat/completions", {
        ...{ model: "stand-in", stream: true, chat_id: chat.id, id: answer, session_id: sid },
        messages: [{ role: "user", content: "Say something." }],
      });
      // Who has left meanwhile is not told; the chat knows.
      if (!await ended && this.#crowd.sidOf(person) === sid) this.faults.push("an answer is lost");
      else this.whole++;
      await who.json("DELETE", `/api/v1/chats/${chat.id}`);
    } catch (thrown) {
      this.faults.push(thrown instanceof Error ? thrown.message : String(thrown));
    } finally {
      this.#waiting.get(answer)?.();
      this.#waiting.delete(answer);
    }
  }
}
