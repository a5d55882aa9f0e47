import type { BroadcastOptions } from "socket.io-adapter";
import { PacketType } from "socket.io-parser";
import * as v from "valibot";
import type { Channels, Listening } from "../bus/bus.ts";
import { deadline } from "../common/deadline.ts";
import { AppError, errorText } from "../common/errors.ts";
import type { InstanceRequests } from "../common/instance_requests.ts";
import type { Logger } from "../common/logger.ts";
import { isFor, PacketLog } from "./packet_log.ts";

/** A session whose connection was lost, and that may come back. */
export interface LostSession {
  pid: string;
  sid: string;
  userId: string;
  rooms: string[];
}

/** A session that has come back: what it missed, for the rooms that it may still be in. */
export interface FoundSession extends LostSession {
  /** To be called in the same turn in which the socket joins the rooms, so that nothing comes twice. */
  missed(rooms: ReadonlySet<string>): unknown[][];
}

/** Where rooms are listened to though nobody here is in them. */
export interface HeldRooms {
  /** Resolves when the rooms' events arrive. */
  hold(rooms: readonly string[]): Promise<void> | undefined;
  release(rooms: readonly string[]): void;
}

export interface SessionRecoveryOptions {
  instances: InstanceRequests & { readonly id: string };
  /** Heard by all instances in one order with what Python says, under exact names. */
  channels: Channels;
  /** On which instances tell each other of a moment in that order. */
  marks: string;
  /** Whether who comes back is given the event, by its name and arguments. */
  keeps(args: readonly unknown[]): boolean;
  logger: Logger;
  /** How long a session may be away. Default: 120,000. */
  maxAwayMs?: number;
  /** What is kept of all events, in bytes. Default: 32 MiB. */
  maxBytes?: number;
  /** What one session is sent of them, in bytes. Default: 4 MiB; who missed more reads it anew. */
  maxSessionBytes?: number;
}

interface Held extends LostSession {
  timer: ReturnType<typeof setTimeout>;
}

const MAX_HELD = 20_000;
const ASK_TIMEOUT_MS = 1_500;
/** A tab that is gone is found out this late. */
const UNNOTICED_MS = 60_000;
const MAX_MARKS = 1_000;

const AskSchema = v.object({
  pid: v.string(),
  offset: v.string(),
  /** Absent: whether it is there; present: hand it over as of this moment. */
  mark: v.optional(v.string()),
});
const SessionSchema = v.object({ sid: v.string(), userId: v.string(), rooms: v.array(v.string()) });
const PacketsSchema = v.array(v.object({
  rooms: v.array(v.string()),
  except: v.array(v.string()),
  data: v.array(v.unknown()),
}));

const gone = () => new AppError("not_found", "There is no such session any more.");

/**
 * Keeps what sessions miss that have lost their connection, for two minutes: on the instance that
 * held them, and handed over to any other on which they come back. What is handed over ends, and what
 * the other instance hears itself begins, at one mark in the stream of events that both hear.
 */
export class SessionRecovery implements Disposable {
  readonly #options: Required<SessionRecoveryOptions>;
  readonly log: PacketLog;
  readonly #held = new Map<string, Held>();
  readonly #marks = new Map<string, number>();
  readonly #awaited = new Map<string, PromiseWithResolvers<number>>();
  readonly #listening: Listening;
  readonly #serving: Disposable;
  #rooms: HeldRooms | undefined;
  #endStale: (pid: string) => Promise<void> = () => Promise.resolve();
  /** Sessions that came back and missed nothing, and those that could not be given what they missed. */
  recovered = 0;
  refused = 0;

  constructor(options: SessionRecoveryOptions) {
    this.#options = {
      maxAwayMs: 120_000,
      maxBytes: 32 * 1024 * 1024,
      maxSessionBytes: 4 * 1024 * 1024,
      ...options,
    };
    const { maxAwayMs, maxBytes } = this.#options;
    this.log = new PacketLog({ maxAgeMs: maxAwayMs + UNNOTICED_MS, maxBytes });
    this.#listening = options.channels.listen(options.marks, {
      onMessage: (mark) => this.#marked(mark),
    });
    this.#serving = options.instances.handle("recover", (payload) => this.#answer(payload));
  }

  get maxAwayMs(): number {
    return this.#options.maxAwayMs;
  }

  get size(): number {
    return this.#held.size;
  }

  /**
   * Ties it to the sockets here: `endStale` ends the connection of a session whose client has come
   * back before anybody noticed that it was gone, and resolves when nothing is left of it.
   */
  serve(rooms: HeldRooms, endStale: (pid: string) => Promise<void>): void {
    this.#rooms = rooms;
    this.#endStale = endStale;
  }

  /** The packet as the sockets here get it: with an offset, by which they say later what they have. */
  kept(packet: unknown, { rooms, except, flags }: BroadcastOptions): unknown {
    if (flags?.volatile || !isEvent(packet) || !this.#options.keeps(packet.data)) return packet;
    return { ...packet, data: this.log.append(packet.data, rooms, except ?? new Set()) };
  }

  /** A name for a new session that leads back to this instance; a secret of its client's. */
  newPid(sid: string): string {
    return `${this.#options.instances.id}.${sid}.${crypto.randomUUID()}`;
  }

  /** The connection of a session was lost; its events are kept from before this call on. */
  hold(lost: LostSession): void {
    if (this.#held.size >= MAX_HELD) return;
    const timer = setTimeout(() => this.#drop(lost.pid), this.#options.maxAwayMs);
    this.#held.set(lost.pid, { ...lost, timer });
    void this.#rooms?.hold(lost.rooms);
  }

  /** Events may have been missed here: nobody who is away can be told what. */
  interrupt(): void {
    this.log.interrupt();
    for (const pid of [...this.#held.keys()]) this.#drop(pid);
  }

  /** The session of a client that comes back, from wherever it was; `undefined`: not to be found. */
  async find(pid: string, offset: string): Promise<FoundSession | undefined> {
    const [instanceId = ""] = pid.split(".");
    const isOwn = instanceId === this.#options.instances.id;
    try {
      const found = isOwn
        ? await this.#findHere(pid, offset)
        : await this.#fetch(instanceId, pid, offset);
      this.recovered++;
      return found;
    } catch (thrown) {
      this.refused++;
      this.#options.logger.debug("a session is not found again", { error: errorText(thrown) });
      return undefined;
    }
  }

  async #heldHere(pid: string): Promise<Held> {
    if (!this.#held.has(pid)) await this.#endStale(pid);
    const held = this.#held.get(pid);
    if (held === undefined) throw gone();
    return held;
  }

  async #findHere(pid: string, offset: string): Promise<FoundSession> {
    const { timer: _, ...lost } = await this.#heldHere(pid);
    const after = this.log.positionOf(offset);
    if (after === undefined) throw gone();
    this.#packets(after, this.log.seq, new Set(lost.rooms));
    return {
      ...lost,
      missed: (rooms) => {
        this.#drop(pid);
        return this.log.between(after, this.log.seq, rooms).map(({ data }) => data);
      },
    };
  }

  /** @throws {AppError} `too_large` for more than one session is sent */
  #packets(after: number, upTo: number, rooms: ReadonlySet<string>) {
    const packets = this.log.between(after, upTo, rooms);
    const bytes = packets.reduce((sum, { size }) => sum + size, 0);
    if (bytes <= this.#options.maxSessionBytes) return packets;
    throw new AppError("too_large", "The session missed too much.");
  }

  async #fetch(instanceId: string, pid: string, offset: string): Promise<FoundSession> {
    const { instances, channels, marks } = this.#options;
    const ask = async (more: object = {}) =>
      await instances.request(instanceId, "recover", { pid, offset, ...more }, {
        timeoutMs: ASK_TIMEOUT_MS,
      });
    const lost = v.parse(SessionSchema, await ask());
    const rooms = this.#rooms;
    if (rooms === undefined) throw gone();
    const release = () => rooms.release(lost.rooms);
    try {
      await rooms.hold(lost.rooms);
      const mark = crypto.randomUUID();
      const from = this.#whenMarked(mark);
      await channels.publish(marks, mark);
      const [after, answer] = await Promise.all([from, ask({ mark })]);
      const packets = v.parse(PacketsSchema, answer);
      // Whoever does not come for it, since the token counts no more, holds no rooms for long.
      const timer = setTimeout(release, 2 * ASK_TIMEOUT_MS);
      return {
        ...{ ...lost, pid },
        missed: (allowed) => {
          clearTimeout(timer);
          release();
          const here = this.log.between(after, this.log.seq, allowed);
          return [...packets.filter((packet) => isFor(packet, allowed)), ...here]
            .map(({ data }) => data);
        },
      };
    } catch (thrown) {
      release();
      throw thrown;
    }
  }

  /** Answers another instance, on which the client has come back. */
  async #answer(payload: unknown): Promise<unknown> {
    const { pid, offset, mark } = v.parse(AskSchema, payload);
    const { sid, userId, rooms } = await this.#heldHere(pid);
    const after = this.log.positionOf(offset);
    if (after === undefined) throw gone();
    if (mark === undefined) return { sid, userId, rooms };
    const upTo = await this.#whenMarked(mark);
    const packets = this.#packets(after, upTo, new Set(rooms));
    this.#drop(pid);
    return packets.map(({ rooms, except, data }) => ({ rooms, except, data }));
  }

  #marked(mark: string): void {
    const { seq } = this.log;
    this.#marks.set(mark, seq);
    this.#awaited.get(mark)?.resolve(seq);
    const [oldest] = this.#marks.keys();
    if (this.#marks.size > MAX_MARKS && oldest !== undefined) this.#marks.delete(oldest);
  }

  async #whenMarked(mark: string): Promise<number> {
    const known = this.#marks.get(mark);
    if (known !== undefined) return known;
    const awaited = this.#awaited.get(mark) ?? Promise.withResolvers<number>();
    this.#awaited.set(mark, awaited);
    try {
      return await deadline(awaited.promise, ASK_TIMEOUT_MS, "The mark");
    } finally {
      this.#awaited.delete(mark);
    }
  }

  #drop(pid: string): void {
    const held = this.#held.get(pid);
    if (held === undefined) return;
    clearTimeout(held.timer);
    this.#held.delete(pid);
    this.#rooms?.release(held.rooms);
  }

  [Symbol.dispose](): void {
    this.#listening.stop();
    this.#serving[Symbol.dispose]();
    for (const pid of [...this.#held.keys()]) this.#drop(pid);
  }
}

/** An event that asks for no answer. */
function isEvent(packet: unknown): packet is { data: unknown[] } {
  const { type, id, data } = packet as { type: number; id?: number; data?: unknown };
  return type === PacketType.EVENT && id === undefined && Array.isArray(data);
}
