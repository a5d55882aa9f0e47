import { errorText } from "../common/errors.ts";
import type { Logger } from "../common/logger.ts";
import { pause } from "../common/pause.ts";
import { rooms } from "../protocol/events.ts";
import type { RealtimeServer, RealtimeSocket } from "./session.ts";

export interface OnlineWatchOptions {
  io: RealtimeServer;
  /** Who has a session, on all instances; asked once for all who watch. */
  online(): Promise<ReadonlySet<string>>;
  logger: Logger;
  /** Default: 1,000. */
  everyMs?: number;
}

interface Watcher {
  socket: RealtimeSocket;
  userIds: ReadonlySet<string>;
}

/**
 * Tells sessions which of the people that they name come and go (docs/protocol.md, section 4:
 * `users:watch`). Nothing is read while nobody watches.
 */
export class OnlineWatch implements Disposable {
  readonly #options: OnlineWatchOptions;
  readonly #watchers = new Map<string, Watcher>();
  readonly #stop = new AbortController();
  /** As of the last look. */
  #known: ReadonlySet<string> = new Set();
  /** Not there at the last look: whoever is not at the next one either has gone, and did not just reload. */
  #missing: ReadonlySet<string> = new Set();
  #running: Promise<void> | undefined;

  constructor(options: OnlineWatchOptions) {
    this.#options = options;
  }

  /** The session watches these people, and no others any more. Says which of them are online. */
  async watch(socket: RealtimeSocket, userIds: readonly string[]): Promise<string[]> {
    if (userIds.length === 0) {
      this.#watchers.delete(socket.id);
      return [];
    }
    // Whoever watches first finds nothing known.
    if (this.#watchers.size === 0) this.#known = await this.#look();
    if (!socket.connected) return [];
    this.#watchers.set(socket.id, { socket, userIds: new Set(userIds) });
    this.#running ??= this.#run();
    return userIds.filter((id) => this.#isOnline(id));
  }

  sessionGone(sid: string): void {
    this.#watchers.delete(sid);
  }

  /** Who has come in this moment is not in the pool yet. */
  #isOnline(userId: string): boolean {
    return this.#known.has(userId) ||
      this.#options.io.sockets.adapter.rooms.has(rooms.user(userId));
  }

  async #look(): Promise<ReadonlySet<string>> {
    this.#missing = new Set();
    return await this.#options.online();
  }

  async #run(): Promise<void> {
    const { everyMs = 1_000, logger, online } = this.#options;
    while (true) {
      await pause(everyMs, this.#stop.signal);
      if (this.#stop.signal.aborted || this.#watchers.size === 0) {
        this.#running = undefined;
        return;
      }
      try {
        this.#compare(await online());
      } catch (thrown) {
        logger.warn("who is online can't be read", { error: errorText(thrown) });
      }
    }
  }

  #compare(found: ReadonlySet<string>): void {
    const absent = this.#known.difference(found);
    const gone = absent.intersection(this.#missing);
    const come = found.difference(this.#known);
    this.#missing = absent.difference(gone);
    this.#known = found.union(this.#missing);
    if (gone.size === 0 && come.size === 0) return;
    for (const { socket, userIds } of this.#watchers.values()) {
      const online = [...come.intersection(userIds)];
      const offline = [...gone.intersection(userIds)];
      if (online.length + offline.length > 0) socket.emit("users:online", { online, offline });
    }
  }

  [Symbol.dispose](): void {
    this.#stop.abort();
    this.#watchers.clear();
  }
}
