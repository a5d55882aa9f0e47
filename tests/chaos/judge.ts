/** After a fault: is everything there again, nothing lost, and did the servers say what happened? */
import { pause } from "../../lib/common/pause.ts";
import { keys } from "../../lib/state/key_space.ts";
import type { StateKey } from "../../lib/state/state_store.ts";
import { type Client, connect, type Person } from "../support/server.ts";
import type { LogLine, ServerProcess } from "../support/server_process.ts";
import type { Fault } from "./faults.ts";
import { isReady, SESSION_TIMEOUT_S, type World } from "./world.ts";

/** How long the world may take to be whole again. */
const RECOVERY_LIMIT_MS = 20_000;
const LOOK_EVERY_MS = 100;

export interface ReadySample {
  place: number;
  /** By the wall clock, as a log has it. */
  askedAt: number;
  answeredAt: number;
  atMs: number;
  ready: boolean;
  /** The checks that failed, or why there was no answer. */
  failed: string;
}

/** Asks every server's `/ready` again and again. */
export class ReadyWatch implements AsyncDisposable {
  readonly samples: ReadySample[] = [];
  readonly #stop = new AbortController();
  readonly #everyMs: number;
  readonly #running: Promise<unknown>;

  constructor({ servers }: Pick<World, "servers">, everyMs = LOOK_EVERY_MS) {
    this.#everyMs = everyMs;
    this.#running = Promise.all(servers.map((_, place) => this.#watch(servers, place)));
  }

  async #watch(servers: readonly ServerProcess[], place: number): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const server = servers[place];
      if (server && !server.isOver) {
        const askedAt = Date.now();
        const failed = await failedAt(server.url);
        const answeredAt = Date.now();
        const atMs = performance.now();
        const ready = failed === "";
        if (!server.isOver) {
          this.samples.push({ place, askedAt, answeredAt, atMs, ready, failed });
        }
      }
      await pause(this.#everyMs, signal);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }
}

/** What `/ready` says of a server that is not; "" of one that is. */
async function failedAt(url: string): Promise<string> {
  try {
    const response = await fetch(`${url}/ready`, { signal: AbortSignal.timeout(5_000) });
    const { failed } = await response.json() as { failed: string[] };
    return response.ok ? "" : failed.join(", ");
  } catch (thrown) {
    return String(thrown);
  }
}

/** How soon a server that can't do its work must say so; beside it, one look and its answer. */
const TELLS_WITHIN_MS = 3_000;
const LOOK_MS = 1_000;

/** What the samples say against what the fault expects; in words, where it is wrong. */
export function judgeReadiness(
  fault: Fault,
  watch: ReadyWatch,
  { servers }: World,
  killed: readonly number[],
  { beganAtMs, wholeAtMs }: { beganAtMs: number; wholeAtMs: number },
): string[] {
  const found: string[] = [];
  for (const place of servers.keys()) {
    if (killed.includes(place)) continue;
    const samples = watch.samples.filter((sample) => sample.place === place);
    const unready = samples.filter(({ ready }) => !ready);
    const expected = fault.readiness(place);
    if (expected === "stays ready" && unready.length > 0) {
      const [first] = unready;
      found.push(
        `server ${place} said ${unready.length} times that it is not ready: ${first?.failed}`,
      );
    } else if (expected === "turns unready" && unready.length === 0) {
      found.push(`server ${place} never said that it is not ready`);
    } else if (expected === "turns unready") {
      const tookMs = (unready[0]?.atMs ?? Infinity) - beganAtMs;
      if (tookMs > TELLS_WITHIN_MS + LOOK_MS) {
        found.push(`server ${place} said after ${Math.round(tookMs)} ms that it is not ready`);
      }
    }
    // What goes in cycles, as sweeps do, is behind by one try when events cross again.
    const late = unready.find(({ atMs }) => atMs > wholeAtMs + LOOK_MS);
    if (late) {
      const lateMs = Math.round(late.atMs - wholeAtMs);
      found.push(`server ${place} was not ready ${lateMs} ms after it was: ${late.failed}`);
    }
  }
  return found;
}

/** One socket at each server; an event sent at any of them is heard at all. */
export class Probe implements AsyncDisposable {
  readonly #clients: Client[];
  readonly #person: Person;
  readonly #servers: readonly ServerProcess[];

  private constructor(person: Person, servers: readonly ServerProcess[], clients: Client[]) {
    this.#person = person;
    this.#servers = servers;
    this.#clients = clients;
  }

  static async open(person: Person, { servers }: World): Promise<Probe> {
    const live = servers.filter(({ isOver }) => !isOver);
    const clients = await Promise.all(
      live.map(({ url }) => connect(url, person.token, { reconnectionDelayMax: 500 })),
    );
    return new Probe(person, live, clients);
  }

  /** How long after `sinceMs` events went from each to each, and all were ready; undefined: never. */
  async whole(sinceMs: number): Promise<number | undefined> {
    while (performance.now() - sinceMs < RECOVERY_LIMIT_MS) {
      const done = await Promise.all(this.#servers.map((server) => this.#crosses(server)));
      if (done.every((good) => good)) return performance.now() - sinceMs;
      await pause(LOOK_EVERY_MS);
    }
    return undefined;
  }

  async #crosses({ url }: ServerProcess): Promise<boolean> {
    const mark = crypto.randomUUID();
    try {
      if (!await isReady(url)) return false;
      // Chat ids of nobody: the list's change is told, nothing is stored.
      const response = await fetch(`${url}/api/v1/chats/new`, {
        method: "POST",
        headers: {
          authorization: `Bearer ${this.#person.token}`,
          "content-type": "application/json",
        },
        body: JSON.stringify({ chat: { title: mark } }),
        signal: AbortSignal.timeout(3_000),
      });
      const { id } = await response.json() as { id: string };
      const heard = () =>
        this.#clients.every(({ events }) => events.some(({ chat_id }) => chat_id === id));
      for (let waited = 0; waited < 1_000; waited += 20) {
        if (heard()) return true;
        await pause(20);
      }
    } catch {
      // Not yet.
    }
    return false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) await client[Symbol.asyncDispose]();
  }
}

/** How long until nothing of a dead instance was left; in words what still is, at the limit. */
export async function untilGone(
  { store }: World,
  { instanceId }: ServerProcess,
  sinceMs: number,
): Promise<number | string> {
  const kinds: [what: string, key: StateKey, owner: (entry: Entry) => string | undefined][] = [
    ["sessions", keys.sessionPool, ({ instance_id }) => instance_id],
    ["tasks", keys.taskOwners, ({ instance_id }) => instance_id],
    ["streams", keys.streams, ({ owner }) => owner],
  ];
  for (;;) {
    const left: string[] = [];
    for (const [what, key, ownerOf] of kinds) {
      let count = 0;
      for await (const page of store?.dictionary<Entry>(key).scan() ?? []) {
        for (const [, entry] of page) if (ownerOf(entry) === instanceId) count++;
      }
      if (count > 0) left.push(`${count} ${what}`);
    }
    const tookMs = performance.now() - sinceMs;
    if (left.length === 0) return tookMs;
    if (tookMs > SESSION_TIMEOUT_S * 1_000) return `${left.join(", ")} left`;
    await pause(LOOK_EVERY_MS);
  }
}

interface Entry {
  instance_id?: string;
  owner?: string;
}

/** As `main.ts` has it. */
const LOG_REPEAT_MS = 30_000;
/** How long a fault and what is looked at after it take. */
const FAULT_MS = 30_000;

/** What a server has logged since a moment that should not be, or lacks what should. */
export function judgeLog(
  server: ServerProcess,
  place: number,
  from: number,
  { said, mayLog }: Pick<Fault, "said" | "mayLog">,
): string[] {
  const lines = server.lines().slice(from);
  const isFault = ({ level, message }: LogLine) => level === "error" && !mayLog?.test(message);
  const found = lines.filter(isFault).map(({ message, error }) =>
    `server ${place} logged an error: ${message}${error ? ` (${error})` : ""}`
  );
  if (server.isOver) found.push(`server ${place} has ended`);
  const isSaid = ({ message, error = "" }: LogLine) => said?.test(`${message}: ${error}`);
  // What was written a moment before is only counted when it comes again.
  const since = new Date(Date.now() - LOG_REPEAT_MS - FAULT_MS).toISOString();
  const recent = server.lines().slice(0, from).filter(({ time }) => time > since);
  if (said && ![...recent, ...lines].some(isSaid)) {
    const warned = lines.filter(({ level }) => level === "warn").map(({ message, error }) =>
      `${message}: ${error}`
    );
    const most = [...new Set(warned)].slice(0, 3).join("; ");
    found.push(`server ${place} did not log ${said}, but: ${most}`);
  }
  return [...new Set(found)];
}
