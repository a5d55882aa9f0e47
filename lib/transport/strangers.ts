import type { Transport } from "engine.io";
import { type Connection, cut, limitPayload, STATE } from "./connection.ts";
import type { ConnectionLimiter } from "./connection_limiter.ts";
import { ConnectionTimeout } from "./connection_timeout.ts";

/** What holds for a connection until it has signed in. */
export interface StrangerLimits {
  /** Their places, beside those of the others. */
  maxConnections: number;
  maxPayloadBytes: number;
  /** How long they may stay. */
  timeoutMs: number;
}

export interface StrangersOptions extends StrangerLimits {
  limiter: ConnectionLimiter;
  /** What holds for those who have signed in. */
  knownMaxPayloadBytes: number;
}

/** Connections that nobody has signed in on: they may say little, and not for long. */
export class Strangers {
  readonly #options: StrangersOptions;
  readonly #timeout: ConnectionTimeout<Connection>;

  constructor(options: StrangersOptions) {
    this.#options = options;
    this.#timeout = new ConnectionTimeout(options.timeoutMs, cut);
  }

  /** Those who were ended because their time was over. */
  get expired(): number {
    return this.#timeout.expired;
  }

  /** A connection is new, and so a stranger's. */
  add(connection: Connection): void {
    const { lease } = connection[STATE];
    if (lease) lease.onEvict = () => cut(connection);
    limitPayload(connection.transport, this.#options.maxPayloadBytes);
    const isStranger = () => connection[STATE].lease?.isStranger ?? true;
    const onUpgrading = (transport: Transport) => {
      if (isStranger()) limitPayload(transport, this.#options.maxPayloadBytes);
    };
    connection.on("upgrading", onUpgrading);
    connection.on("upgrade", (transport: Transport) => {
      if (!isStranger()) limitPayload(transport, this.#options.knownMaxPayloadBytes);
    });
    connection.once("close", () => this.#timeout.clear(connection));
    this.#timeout.start(connection);
  }

  /** Somebody has signed in on the connection; `false` when there is no place for them. */
  welcome(connection: Connection): boolean {
    const { lease } = connection[STATE];
    if (!lease || !this.#options.limiter.welcome(lease)) return false;
    this.#timeout.clear(connection);
    limitPayload(connection.transport, this.#options.knownMaxPayloadBytes);
    return true;
  }

  close(): void {
    this.#timeout.close();
  }
}
