/** People who chat without a pause: real clients, which come back, ask for what they missed, and check. */
import { type ChatEventHandler, chatEventHandler } from "../../lib/client/chats.ts";
import { connect } from "../../lib/client/connect.ts";
import type { Connection } from "../../lib/client/connection.ts";
import { pause } from "../../lib/common/pause.ts";
import type { Chat } from "../../lib/protocol/chat.ts";
import { keys } from "../../lib/state/key_space.ts";
import { type Person, signUp } from "../support/server.ts";
import { until } from "../support/until.ts";
import { type Ledger, type Promised, readChat } from "./ledger.ts";
import { tokensOf, type World } from "./world.ts";

const PEOPLE = 8;
/** An answer takes some seconds; beyond this time, whatever has happened, its reader waits in vain. */
const ANSWER_LIMIT_MS = 25_000;

/** Who hears nothing for so long goes elsewhere. */
const REQUEST_LIMIT_MS = 15_000;

export interface Tally {
  whole: number;
  stopped: number;
  interrupted: number;
  /** Told as failed, in the chat or by the answer to the request. */
  failed: number;
  /** Characters that a reader had seen of an answer whose instance was killed, not in the chat. */
  lostChars: number;
  reconnects: number;
  /** What must not be. */
  found: string[];
}

export const emptyTally = (): Tally => ({
  ...{ whole: 0, stopped: 0, interrupted: 0, failed: 0, lostChars: 0, reconnects: 0 },
  found: [],
});

interface Visitor {
  person: Person;
  connection: Connection;
  chats: ChatEventHandler;
}

export class Load implements AsyncDisposable {
  tally = emptyTally();
  readonly #world: World;
  readonly #ledger: Ledger;
  readonly #random: () => number;
  readonly #stop = new AbortController();
  readonly #visitors: Visitor[] = [];
  #running: Promise<unknown> = Promise.resolve();
  #nextName = 0;

  private constructor(world: World, ledger: Ledger, random: () => number) {
    this.#world = world;
    this.#ledger = ledger;
    this.#random = random;
  }

  static async start(world: World, ledger: Ledger, random: () => number): Promise<Load> {
    const load = new Load(world, ledger, random);
    for (let i = 0; i < PEOPLE; i++) {
      const person = roaming(world, await signUp(world.url, `person ${i}`));
      load.#visitors.push(load.#arrive(person));
    }
    await until(
      () => load.#visitors.every(({ connection: { status } }) => status.state === "online"),
      {
        what: "everybody to be online",
        limitMs: 15_000,
      },
    );
    load.#running = Promise.all(load.#visitors.map((visitor) => load.#keepChatting(visitor)));
    return load;
  }

  /** Who is connected, and signed in. */
  get people(): readonly Person[] {
    return this.#visitors.map(({ person }) => person);
  }

  /** What was counted since the last time. */
  take(): Tally {
    const { tally } = this;
    this.tally = emptyTally();
    return tally;
  }

  /** People finish what they are at; nothing new is begun. */
  async finish(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  #arrive(person: Person): Visitor {
    const connection = connect({
      url: this.#world.url,
      token: person.token,
      heartbeatEveryMs: 1_000,
      reconnectionDelayMs: 200,
      reconnectionDelayMaxMs: 1_000,
    });
    connection.onOnline(() => this.tally.reconnects++);
    const chats = chatEventHandler(connection, {
      complete: ({ channel }) => {
        for (const word of ["from ", "the ", "browser"]) {
          const delta = { content: word };
          connection.send(channel, `data: ${JSON.stringify({ choices: [{ index: 0, delta }] })}`);
        }
        connection.send(channel, { done: true });
        return Promise.resolve({ status: true });
      },
    });
    return { person, connection, chats };
  }

  async #keepChatting(visitor: Visitor): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        await this.#chatOnce(visitor);
      } catch (thrown) {
        this.tally.found.push(thrown instanceof Error ? thrown.message : String(thrown));
      }
      await pause(50 + 200 * this.#random(), signal);
    }
  }

  async #chatOnce(visitor: Visitor): Promise<void> {
    const { person } = visitor;
    const question = { id: "q", role: "user", content: "", childrenIds: [] };
    const made = await attempt<Chat>(person, "/api/v1/chats/new", {
      chat: { title: "titled", history: { currentId: "q", messages: { q: question } } },
    });
    if (!made) return void await pause(200, this.#stop.signal);
    const promised = this.#ledger.chat(person, made.id);
    const dice = this.#random();
    if (dice < 0.25) await this.#emit(promised);
    else if (dice < 0.35) await this.#askBrowser(visitor, promised);
    else await this.#stream(visitor, promised, dice < 0.5);
  }

  /** Events from outside, whose text the chat must hold once. */
  async #emit({ person, chatId, emitted }: Promised): Promise<void> {
    for (let i = 0; i < 5; i++) {
      const text = `[${crypto.randomUUID()}]`;
      const path = `/api/v1/chats/${chatId}/messages/q/event`;
      const taken = await attempt(person, path, { type: "message", data: { content: text } });
      if (taken) emitted.push({ text, atMs: performance.now() });
    }
  }

  /** The server asks this session's browser, and waits for its answer: an event call. */
  async #askBrowser(visitor: Visitor, { chatId, atMs }: Promised): Promise<void> {
    const sessionId = visitor.connection.sessionId;
    const taskId = await this.#ask(visitor, chatId, "", {
      session_id: sessionId,
      model: "browser",
      model_item: { id: "browser", direct: true, urlIdx: 0 },
    });
    if (!taskId) return;
    const stored = await this.#ended(visitor.person, chatId);
    if (!stored && !this.#ledger.isExcused(atMs)) {
      this.#fault(`the browser's answer ${chatId} never ends`);
    } else if (stored?.content === "from the browser") this.tally.whole++;
    else this.tally.failed++;
  }

  async #stream(visitor: Visitor, { chatId }: Promised, isStopped: boolean): Promise<void> {
    const { person, chats } = visitor;
    const prompt = `n${this.#nextName++}:${50 + Math.floor(250 * this.#random())}`;
    using followed = chats.follow({ chatId, messageId: "a", resume: false });
    const endUsage = chats.useModel("stand-in");
    try {
      const taskId = await this.#ask(visitor, chatId, prompt);
      if (!taskId) return;
      const owner = await this.#ownerOf(taskId);
      const askedAt = performance.now();
      if (isStopped) {
        await pause(300 + 1_000 * this.#random());
        isStopped = await attempt(person, `/api/tasks/stop/${taskId}`, {}) !== undefined;
      }
      const isRead = await within(() => followed.snapshot.isDone, ANSWER_LIMIT_MS);
      const stored = await this.#ended(person, chatId);
      if (!stored || !isRead) {
        if (this.#ledger.isExcused(askedAt)) return;
        return this.#fault(`${chatId}: ${stored ? "its reader is never told" : "it never ends"}`);
      }
      const answer = followed.snapshot;
      const expected = tokensOf(prompt).join("");
      const content = stored.content ?? "";
      if (!expected.startsWith(content)) return this.#fault(`${chatId}: wrong text in the chat`);
      if (!expected.startsWith(answer.content)) return this.#fault(`${chatId}: wrong text read`);
      const isCutOff = owner !== undefined && this.#world.cutOff.has(owner);
      const isKilled = isCutOff || this.#world.dead.some(({ instanceId }) =>
        instanceId === owner
      ) ||
        this.#world.servers.some(({ instanceId, isOver }) => isOver && instanceId === owner);
      if (stored.error) this.tally.failed++;
      else if (!stored.interrupted && isCutOff && answer.outcome.interrupted) {
        this.tally.interrupted++;
      } else if (!stored.interrupted) {
        if (content !== expected || answer.content !== expected) {
          return this.#fault(`${chatId}: ends as whole, and is not`);
        }
        this.tally.whole++;
      } else if (isKilled || owner === undefined) {
        this.tally.interrupted++;
        this.tally.lostChars += Math.max(0, answer.content.length - content.length);
      } else if (isStopped) {
        if (content !== answer.content) return this.#fault(`${chatId}: read and stored differ`);
        this.tally.stopped++;
      } else this.#fault(`${chatId}: interrupted by nobody`);
    } finally {
      endUsage();
    }
  }

  async #ask(
    { person }: Visitor,
    chatId: string,
    prompt: string,
    more: Record<string, unknown> = {},
  ): Promise<string | undefined> {
    const answer = await attempt<{ task_ids: string[] }>(person, "/api/chat/completions", {
      ...{ model: "stand-in", stream: true, chat_id: chatId, id: "a" },
      messages: [{ role: "user", content: prompt }],
      ...more,
    });
    return answer?.task_ids[0];
  }

  async #ownerOf(taskId: string): Promise<string | undefined> {
    const [server, ...more] = this.#world.servers;
    if (more.length === 0) return server?.instanceId;
    const owners = this.#world.store?.dictionary<{ instance_id: string }>(keys.taskOwners);
    const owner = await owners?.get(taskId).catch(() => undefined);
    return owner?.instance_id;
  }

  /** The answer as it is stored once it has ended. */
  async #ended(person: Person, chatId: string) {
    const end = performance.now() + ANSWER_LIMIT_MS;
    while (performance.now() < end) {
      const found = (await readChat(person, chatId))?.["a"];
      if (found?.done) return found;
      await pause(100);
    }
    return undefined;
  }

  #fault(what: string): void {
    this.tally.found.push(what);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.finish();
    for (const { chats, connection } of this.#visitors) {
      chats[Symbol.dispose]();
      connection.close();
    }
    await until(() => this.#visitors.every(({ connection }) => connection.isIdle), {
      what: "the connections' ends",
    });
  }
}

/** The same person, each of whose requests goes to the next server that lives. */
function roaming({ servers }: World, person: Person): Person {
  let next = 0;
  const call: Person["call"] = (method, path, body) => {
    const live = servers.filter(({ isOver }) => !isOver);
    const url = live[next++ % live.length]?.url ?? "";
    return fetch(url + path, {
      method,
      headers: { authorization: `Bearer ${person.token}`, "content-type": "application/json" },
      signal: AbortSignal.timeout(REQUEST_LIMIT_MS),
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  };
  return {
    ...person,
    call,
    async json<T>(method: string, path: string, body?: unknown) {
      const response = await call(method, path, body);
      const answer = await response.json();
      if (!response.ok) throw new Error(`${method} ${path}: ${JSON.stringify(answer)}`);
      return answer as T;
    },
  };
}

/** The answer when it is good: whatever else is said, or left unsaid, was not acknowledged. */
async function attempt<T = unknown>(
  person: Person,
  path: string,
  body: unknown,
): Promise<T | undefined> {
  try {
    return await person.json<T>("POST", path, body);
  } catch {
    return undefined;
  }
}

async function within(condition: () => boolean, limitMs: number): Promise<boolean> {
  const end = performance.now() + limitMs;
  while (!condition()) {
    if (performance.now() > end) return false;
    await pause(50);
  }
  return true;
}
