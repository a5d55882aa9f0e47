import type { Listening } from "../bus/bus.ts";
import { settledWithin } from "../common/deadline.ts";

export interface ListenedRoomsOptions {
  /** Begins to listen to a room, wherever its events come from. */
  listen(room: string): Listening[];
  /** Whether somebody here is in the room. */
  isUsed(room: string): boolean;
  /** How long is waited until a room is heard. */
  waitMs: number;
}

/** Which rooms are listened to: those in which somebody here is, and those that are held for who is away. */
export class ListenedRooms {
  readonly #options: ListenedRoomsOptions;
  readonly #rooms = new Map<string, Listening[]>();
  /** Rooms that are not heard yet. */
  readonly #notLive = new Map<string, Promise<void>>();
  /** For how many who are away. */
  readonly #held = new Map<string, number>();

  constructor(options: ListenedRoomsOptions) {
    this.#options = options;
  }

  /** Listens to the room, if that is not done already. */
  open(room: string): void {
    if (this.#rooms.has(room)) return;
    const listened = this.#options.listen(room);
    if (listened.length === 0) return;
    this.#rooms.set(room, listened);
    const live = Promise.all(listened.map((each) => each.live)).then(() => {
      if (this.#notLive.get(room) === live) this.#notLive.delete(room);
    });
    this.#notLive.set(room, live);
  }

  /** Listens no more to a room that nobody is in, and nobody holds. */
  close(room: string): void {
    if (this.#options.isUsed(room) || this.#held.has(room)) return;
    for (const each of this.#rooms.get(room) ?? []) each.stop();
    this.#rooms.delete(room);
  }

  /** Resolves when the rooms are heard, or have had their time; at once when they are: `undefined`. */
  whenLive(rooms: Iterable<string>): Promise<void> | undefined {
    const awaited: Promise<void>[] = [];
    for (const room of rooms) {
      const live = this.#notLive.get(room);
      if (live !== undefined) awaited.push(live);
    }
    if (awaited.length === 0) return undefined;
    return settledWithin(Promise.all(awaited), this.#options.waitMs).then(() => {});
  }

  /** Listens to the rooms though nobody here is in them, until as many calls of {@linkcode release}. */
  hold(rooms: readonly string[]): Promise<void> | undefined {
    for (const room of rooms) {
      this.#held.set(room, (this.#held.get(room) ?? 0) + 1);
      this.open(room);
    }
    return this.whenLive(rooms);
  }

  /** Whether somebody is in one of the rooms here, or was and is away; nobody is left out of none. */
  concern(rooms: ReadonlySet<string>): boolean {
    const { isUsed } = this.#options;
    return rooms.size === 0 || rooms.values().some((room) => isUsed(room) || this.#held.has(room));
  }

  release(rooms: readonly string[]): void {
    for (const room of rooms) {
      const left = (this.#held.get(room) ?? 0) - 1;
      if (left > 0) this.#held.set(room, left);
      else this.#held.delete(room);
      this.close(room);
    }
  }

  stop(): void {
    for (const listening of [...this.#rooms.values()].flat()) listening.stop();
    this.#rooms.clear();
    this.#notLive.clear();
    this.#held.clear();
  }
}
