export interface BusHandlers {
  onMessage(text: string): void;
  /** The subscription was lost and is back: what was published meanwhile is not delivered. */
  onGap?(): void;
}

export interface Listening {
  /** Resolves when what is published from now on arrives, or when the listening ends. Never rejects. */
  readonly live: Promise<void>;
  stop(): void;
}

/**
 * What carries texts between instances: at least once while it stands, in the order of publishing
 * for one publisher, only to those who listen to the channel.
 */
export interface Bus extends AsyncDisposable {
  /** Whether nobody else is on the bus right now, where that is known: then nothing needs to be sent. */
  isAlone?(): boolean;
  /** For logs. */
  readonly name: string;
  /**
   * Sends a text of at most 1 MiB.
   *
   * @throws {AppError} `unavailable` when the bus does not take it in time; it may have arrived.
   */
  publish(channel: string, text: string): Promise<void>;
  /** Listens until `stop`, through every outage. A channel has one listener in a process. */
  listen(channel: string, handlers: BusHandlers): Listening;
}
