import type { Logger } from "../common/logger.ts";
import { AppError, errorText } from "../common/errors.ts";
import { type CommandClient, disconnect } from "./clients.ts";
import { deadline } from "../common/deadline.ts";
import { backOff, pause } from "../common/pause.ts";

const RECONNECT = { firstMs: 25, maxMs: 1_000 };
/** How long a client that was told to close may take before it is given up. */
const CLOSE_TIMEOUT_MS = 1_000;

export interface ReconnectingClientOptions<C extends CommandClient> {
  /** What the log calls it. */
  name: string;
  open(): C;
  /** What must be done on a new connection before it counts as up. */
  prepare?(client: C): Promise<void>;
  onUp?(client: C): void;
  onDown?(client: C): void;
  /** Where the client is connected to; a change is logged as a new master. */
  address?(client: C): string | undefined;
  connectTimeoutMs: number;
  logger: Logger;
}

/**
 * One connection that is kept for ever: when it ends, the next is opened, with a bounded back-off.
 * Says so in the log once a change, not once a try.
 */
export class ReconnectingClient<C extends CommandClient> implements AsyncDisposable {
  readonly #options: ReconnectingClientOptions<C>;
  readonly #closing = new AbortController();
  readonly #run: Promise<void>;
  #client: C | undefined;
  #up = Promise.withResolvers<C>();
  #downSince: number | undefined = performance.now();
  #lastAddress: string | undefined;
  #lastError: unknown;

  constructor(options: ReconnectingClientOptions<C>) {
    this.#options = options;
    this.#up.promise.catch(() => {});
    this.#run = this.#keep();
  }

  /** The client that is connected, if one is. */
  get client(): C | undefined {
    return this.#client;
  }

  get closed(): boolean {
    return this.#closing.signal.aborted;
  }

  /** For how long the link has been down, in milliseconds; 0 when it is up. */
  get downMs(): number {
    return this.#downSince === undefined ? 0 : performance.now() - this.#downSince;
  }

  /**
   * The connected client, now or within the time.
   *
   * @throws {AppError} `unavailable` when the time is over, or the link is closed.
   */
  async whenUp(timeoutMs: number): Promise<C> {
    if (this.#client !== undefined) return this.#client;
    if (this.closed) throw closedError();
    try {
      return await deadline(this.#up.promise, timeoutMs, "Redis");
    } catch (error) {
      throw new AppError("unavailable", "Redis can't be reached.", {
        cause: this.#lastError ?? error,
      });
    }
  }

  async #keep(): Promise<void> {
    const { signal } = this.#closing;
    for (let waitMs = 0; !signal.aborted;) {
      if (await this.#liveOnce()) waitMs = 0;
      waitMs = backOff(waitMs, RECONNECT);
      await pause(waitMs, signal);
    }
  }

  /** Opens a connection and returns when it has ended; says whether it was up in between. */
  async #liveOnce(): Promise<boolean> {
    const { open, prepare, connectTimeoutMs, logger, name } = this.#options;
    const { signal } = this.#closing;
    const client = open();
    const ended = new Promise<void>((resolve) => client.once("end", () => resolve()));
    const note = (error: unknown) => {
      this.#lastError = error;
      if (logger.enabled("debug")) {
        logger.debug("redis: connection error", { link: name, error: errorText(error) });
      }
    };
    client.on("error", note);
    client.on("node error", note);
    let closed = Promise.resolve();
    const close = () => {
      closed = disconnect(client);
    };
    signal.addEventListener("abort", close, { once: true });
    let wasUp = false;
    try {
      const ready = client.connect().then(() => prepare?.(client));
      await deadline(Promise.race([ready, ended]), connectTimeoutMs, "Redis connection");
      if (client.status === "ready" && !signal.aborted) {
        wasUp = true;
        this.#wentUp(client);
        await ended;
      }
    } catch (error) {
      this.#lastError ??= error;
    } finally {
      if (wasUp) this.#wentDown(client);
      signal.removeEventListener("abort", close);
    }
    if (!signal.aborted) close();
    await deadline(closed, CLOSE_TIMEOUT_MS, "Redis close").catch(note);
    return wasUp;
  }

  #wentUp(client: C): void {
    const { logger, name, address, onUp } = this.#options;
    const at = address?.(client);
    if (this.#lastAddress === undefined) logger.info("redis: connected", { link: name, at });
    else {
      const downMs = Math.round(this.downMs);
      const moved = at !== undefined && at !== this.#lastAddress;
      const what = moved ? "redis: back, with a new master" : "redis: connection is back";
      logger.info(what, { link: name, at, downMs });
    }
    this.#lastAddress = at ?? "";
    this.#lastError = undefined;
    this.#downSince = undefined;
    this.#client = client;
    onUp?.(client);
    this.#up.resolve(client);
  }

  #wentDown(client: C): void {
    const { logger, name, onDown } = this.#options;
    this.#client = undefined;
    this.#downSince = performance.now();
    this.#up = Promise.withResolvers<C>();
    this.#up.promise.catch(() => {});
    onDown?.(client);
    if (this.closed) return;
    const error = this.#lastError === undefined ? undefined : errorText(this.#lastError);
    logger.warn("redis: connection lost", { link: name, error });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    this.#up.reject(closedError());
    await this.#run;
  }
}

function closedError(): AppError {
  return new AppError("unavailable", "The Redis connection is closed.");
}
