import { type Connection, leave, STATE } from "./connection.ts";
import type { Counters } from "./stats.ts";

export interface IdleConnectionsOptions {
  /** The engine's own record of them, read at each call. */
  connections: Readonly<Record<string, Connection>>;
  counters: Counters;
}

/** Connections that can be lost without anybody noticing: nothing goes through them. */
export class IdleConnections {
  readonly #options: IdleConnectionsOptions;

  constructor(options: IdleConnectionsOptions) {
    this.#options = options;
  }

  /**
   * Ends up to `most` connections on which somebody has signed in, and which have neither sent nor
   * been sent a packet since the last call; returns how many. A client comes back by itself.
   */
  handOver(most: number): number {
    const { connections, counters } = this.#options;
    let ended = 0;
    for (const connection of Object.values(connections)) {
      const state = connection[STATE];
      const isIdle = state.packets === state.packetsSeen;
      state.packetsSeen = state.packets;
      if (!isIdle || ended >= most || state.lease?.isStranger) continue;
      leave(connection);
      ended++;
    }
    counters.handedOver += ended;
    return ended;
  }
}
