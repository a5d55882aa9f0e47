import { AppError } from "../common/errors.ts";
import { type CommandClient, commandClient } from "./clients.ts";
import { deadline, SharedDeadline } from "../common/deadline.ts";
import { backOff, pause } from "../common/pause.ts";
import { asStoreError, isLost, isNoScript, isPassing, isReadonly } from "./errors.ts";
import { ReconnectingClient } from "./reconnecting_client.ts";
import { refusalOf } from "./refusal.ts";
import { parseRedisTarget, type RedisConnectionOptions, type RedisTarget } from "./options.ts";
import type { Script, ScriptArgument, ScriptArguments } from "./script.ts";

export type { RedisConnectionOptions } from "./options.ts";

/** Commands that may wait at once; whoever comes later is refused instead of queued. */
const MAX_WAITING = 20_000;
const KEYS_PER_SCAN = 1_000;
/** For how long a master that was left explains the commands that were lost with it. */
const LEFT_MS = 1_000;
const RETRY = { firstMs: 20, maxMs: 400 };

/**
 * Sends commands and returns their answer. Called again with the next `attempt` when the connection
 * was lost under it; an earlier attempt may or may not have been carried out.
 */
export type Send<T> = (client: CommandClient, attempt: number) => Promise<T>;

/**
 * Redis in any of its three shapes, over a fixed number of connections: one, in a cluster one a
 * master. What is published and listened to has others (`lib/bus/`).
 */
export class RedisConnection implements AsyncDisposable {
  readonly shape: RedisTarget["shape"];
  readonly #connection: ReconnectingClient<CommandClient>;
  readonly #closing = new AbortController();
  readonly #timeoutMs: number;
  readonly #deadline: SharedDeadline;
  readonly #budgetMs: number;
  #waiting = 0;
  /** What the master said that was left, and when. */
  #left: { error: unknown; atMs: number } = { error: undefined, atMs: -Infinity };
  #roundTrips = 0;

  constructor(options: RedisConnectionOptions) {
    const { commandTimeoutMs = 3_000, connectTimeoutMs = 5_000, maxRetryCount = 2 } = options;
    const target = parseRedisTarget(options);
    this.shape = target.shape;
    this.#timeoutMs = commandTimeoutMs;
    this.#deadline = new SharedDeadline(commandTimeoutMs, "Redis");
    this.#budgetMs = maxRetryCount === 0 ? 0 : commandTimeoutMs * (1 + maxRetryCount);
    this.#connection = new ReconnectingClient({
      name: "commands",
      open: () => this.#counted(commandClient(target, options)),
      address: target.shape === "sentinel" ? addressOf : undefined,
      connectTimeoutMs,
      logger: options.logger,
    });
  }

  /** Requests sent since the start; what is flushed together counts once. */
  get roundTrips(): number {
    return this.#roundTrips;
  }

  /** Every automatic pipeline of the client begins with a call of `pipeline`: one flush, one count. */
  #counted(client: CommandClient): CommandClient {
    const pipeline = client.pipeline.bind(client);
    client.pipeline = (...commands) => {
      this.#roundTrips++;
      return pipeline(...commands);
    };
    return client;
  }

  /** The keys of a pattern and a type, a page at a time: of every master, in a cluster. */
  async *keysLike(pattern: string, type: string): AsyncGenerator<string[]> {
    const masters = await this.run((client) =>
      Promise.resolve("nodes" in client ? client.nodes("master").length : 1)
    );
    for (let place = 0; place < masters; place++) {
      let cursor = "0";
      do {
        const [next, keys] = await this.run((client) => {
          const node = "nodes" in client ? client.nodes("master")[place] : client;
          // A master that is gone has another in its place soon: an outage that passes.
          if (node === undefined) throw new Error("Connection is closed.");
          return node.scan(cursor, "MATCH", pattern, "COUNT", KEYS_PER_SCAN, "TYPE", type);
        });
        if (keys.length > 0) yield keys;
        cursor = next;
      } while (cursor !== "0");
    }
  }

  /**
   * A master that has become a replica is left at its first answer, and all other commands under way
   * only know that their connection has ended: theirs is the same cause.
   */
  #explained(error: unknown): unknown {
    const now = performance.now();
    if (isReadonly(error)) this.#left = { error, atMs: now };
    return isLost(error) && now - this.#left.atMs < LEFT_MS ? this.#left.error : error;
  }

  /** Waits until the connection stands. */
  async whenUp(timeoutMs: number): Promise<void> {
    await this.#connection.whenUp(timeoutMs);
  }

  /**
   * Sends commands, and sends them again while the connection is lost or the master changes, within
   * the retries that are configured.
   *
   * @throws {AppError} `unavailable` when Redis can't be reached or does not answer in time.
   */
  async run<T>(send: Send<T>): Promise<T> {
    const start = performance.now();
    for (let attempt = 0, pauseMs = 0;; attempt++) {
      try {
        const client = this.#connection.client ?? await this.#whenUp(start);
        return await this.#once(client, send, attempt);
      } catch (thrown) {
        const error = this.#explained(thrown);
        pauseMs = backOff(pauseMs, RETRY);
        const left = this.#budgetMs - (performance.now() - start) - pauseMs;
        if (!isPassing(error) || left <= 0 || this.#connection.closed) throw asStoreError(error);
        const client = this.#connection.client;
        if (client !== undefined && "refreshSlotsCache" in client) {
          client.refreshSlotsCache(() => {});
        }
        await pause(pauseMs, this.#closing.signal);
      }
    }
  }

  /** Runs a script by its name, or by its text where the server does not know it (any more). */
  runScript(script: Script, key: string, args: ScriptArguments): Promise<unknown> {
    return this.run((client, attempt) =>
      evaluate(client, script, key, typeof args === "function" ? args(attempt) : args)
    );
  }

  /** The texts of the keys, in their order. In a cluster, MGET's keys would have to share a slot. */
  async getTexts(keys: string[]): Promise<(string | null)[]> {
    if (keys.length === 0) return [];
    if (this.shape !== "cluster") return await this.run((client) => client.mget(keys));
    return await Promise.all(keys.map((key) => this.run((client) => client.get(key))));
  }

  /** An outage that has lasted longer than a command may wait is not waited for by the next one. */
  #whenUp(start: number): Promise<CommandClient> {
    const waited = Math.max(performance.now() - start, this.#connection.downMs);
    const most = Math.max(this.#budgetMs, this.#timeoutMs);
    return this.#connection.whenUp(Math.max(0, most - waited));
  }

  #once<T>(client: CommandClient, send: Send<T>, attempt: number): Promise<T> {
    if (this.#waiting >= MAX_WAITING) {
      throw new AppError("unavailable", "Too many commands wait for Redis.");
    }
    return this.#deadline.limit(this.#counting(client, send, attempt));
  }

  /** Whoever has given up waiting still counts until the client lets go of the command. */
  async #counting<T>(client: CommandClient, send: Send<T>, attempt: number): Promise<T> {
    this.#waiting++;
    try {
      return await send(client, attempt);
    } finally {
      this.#waiting--;
    }
  }

  /**
   * Does something within the time, without retries.
   *
   * @throws {AppError} `unavailable` after `timeoutMs`, or with the server's own words
   */
  async once<T>(timeoutMs: number, send: (client: CommandClient) => Promise<T>): Promise<T> {
    try {
      const client = await this.#connection.whenUp(timeoutMs);
      return await deadline(send(client), timeoutMs, "Redis");
    } catch (error) {
      throw asStoreError(this.#explained(error));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#connection[Symbol.asyncDispose]();
    this.#deadline[Symbol.dispose]();
  }
}

async function evaluate(
  client: CommandClient,
  script: Script,
  key: string,
  args: readonly ScriptArgument[],
): Promise<unknown> {
  // As one array: spread over a call, tens of thousands of arguments overflow the stack inside of
  // the client's pipeline, which then ends the process.
  try {
    return await client.call("evalsha", [script.sha, 1, key, ...args]);
  } catch (error) {
    if (!isNoScript(error)) throw error;
    return await client.call("eval", [script.lua, 1, key, ...args]);
  }
}

function addressOf(client: CommandClient): string | undefined {
  if (!("stream" in client)) return undefined;
  const { stream } = client;
  if (!("remoteAddress" in stream)) return undefined;
  return `${stream.remoteAddress}:${stream.remotePort}`;
}

/**
 * Connects to Redis and returns when commands can be sent.
 *
 * @throws {AppError} `unavailable` when Redis can't be reached within `connectTimeoutMs`,
 * `invalid_payload` for an address that leads nowhere.
 */
export async function openRedis(options: RedisConnectionOptions): Promise<RedisConnection> {
  const connection = new RedisConnection(options);
  try {
    await connection.whenUp(options.connectTimeoutMs ?? 5_000);
    return connection;
  } catch (error) {
    await connection[Symbol.asyncDispose]();
    const refusal = await refusalOf(parseRedisTarget(options));
    if (refusal === undefined) throw error;
    throw new AppError("unavailable", "Redis refuses connections.", { cause: new Error(refusal) });
  }
}
