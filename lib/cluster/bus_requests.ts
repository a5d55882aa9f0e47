import * as v from "valibot";
import type { Listening } from "../bus/bus.ts";
import type { ReliableTransport } from "../bus/reliable_transport.ts";
import { AppError, errorText, toAppError } from "../common/errors.ts";
import type { InstanceRequestOptions, InstanceRequests } from "../common/instance_requests.ts";
import type { Logger } from "../common/logger.ts";
import { ERROR_CODES } from "../protocol/error_codes.ts";

const Id = v.pipe(v.string(), v.minLength(1), v.maxLength(200));
const MessageSchema = v.variant("kind", [
  v.object({
    kind: v.literal("request"),
    id: Id,
    from: Id,
    topic: Id,
    payload: v.unknown(),
    timeoutMs: v.pipe(v.number(), v.minValue(0)),
  }),
  v.object({ kind: v.literal("cancel"), id: Id, from: Id }),
  v.object({ kind: v.literal("reply"), id: Id, payload: v.unknown() }),
  v.object({
    kind: v.literal("refusal"),
    id: Id,
    code: v.picklist(ERROR_CODES),
    message: v.string(),
  }),
]);
type Message = v.InferOutput<typeof MessageSchema>;
type Request = Extract<Message, { kind: "request" }>;

const MAX_PENDING = 10_000;

export interface BusRequestsOptions {
  transport: ReliableTransport;
  logger: Logger;
  /** Default: a new UUID. */
  instanceId?: string;
}

type Handler = Parameters<InstanceRequests["handle"]>[1];

interface Pending {
  resolve(payload: unknown): void;
  reject(error: unknown): void;
}

/** Asks one instance, by its name, and gets its answer. No other instance hears of it. */
export class BusRequests implements InstanceRequests, Disposable {
  readonly id: string;
  readonly #transport: ReliableTransport;
  readonly #logger: Logger;
  readonly #handlers = new Map<string, Handler>();
  readonly #pending = new Map<string, Pending>();
  readonly #serving = new Map<string, AbortController>();
  readonly #listening: Listening;

  constructor({ transport, logger, instanceId = crypto.randomUUID() }: BusRequestsOptions) {
    this.id = instanceId;
    this.#transport = transport;
    this.#logger = logger;
    this.#listening = transport.listen(channelOf(instanceId), {
      onMessage: (message) => this.#receive(v.parse(MessageSchema, message)),
    });
  }

  /** Resolves when other instances can reach this one. */
  live(): Promise<void> {
    return this.#listening.live;
  }

  /**
   * Serves a topic until the result is disposed of.
   *
   * @throws {TypeError} when the topic is served already
   */
  handle(topic: string, handler: Handler): Disposable {
    if (this.#handlers.has(topic)) throw new TypeError(`Cannot serve twice: ${topic}`);
    this.#handlers.set(topic, handler);
    return { [Symbol.dispose]: () => void this.#handlers.delete(topic) };
  }

  /**
   * Asks an instance; itself as well, without the bus. The answer is whatever the handler returned:
   * the caller validates it.
   *
   * @throws {AppError} `timeout` without an answer in time, `unavailable` when too much waits, and
   * whatever code the other end refused with; `not_found` for a topic that nobody serves there.
   * @throws the signal's reason when it is aborted
   */
  async request(
    instanceId: string,
    topic: string,
    payload: unknown,
    { timeoutMs = 5_000, signal }: InstanceRequestOptions = {},
  ): Promise<unknown> {
    signal?.throwIfAborted();
    if (this.#pending.size >= MAX_PENDING) {
      throw new AppError("unavailable", "Too many requests wait for other instances.");
    }
    const id = crypto.randomUUID();
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const cancel = (error: unknown) => {
      reject(error);
      this.#send(instanceId, { kind: "cancel", id, from: this.id });
    };
    const onAbort = () => cancel(signal?.reason);
    const timer = setTimeout(() => {
      cancel(new AppError("timeout", "The instance did not answer in time."));
    }, timeoutMs);
    signal?.addEventListener("abort", onAbort, { once: true });
    this.#pending.set(id, { resolve, reject });
    const request: Request = { kind: "request", id, from: this.id, topic, payload, timeoutMs };
    this.#send(instanceId, request, (error) => error !== undefined && reject(error));
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      this.#pending.delete(id);
    }
  }

  #send(instanceId: string, message: Message, receipt?: (error?: unknown) => void): void {
    if (instanceId === this.id) queueMicrotask(() => this.#receive(message));
    else this.#transport.send(channelOf(instanceId), message, receipt);
  }

  #receive(message: Message): void {
    switch (message.kind) {
      case "request":
        return void this.#serve(message);
      case "cancel":
        return this.#serving.get(message.from + message.id)?.abort();
      case "reply":
        return this.#pending.get(message.id)?.resolve(message.payload);
      case "refusal":
        return this.#pending.get(message.id)?.reject(new AppError(message.code, message.message));
    }
  }

  /** Never rejects. */
  async #serve({ id, from, topic, payload, timeoutMs }: Request): Promise<void> {
    const key = from + id;
    const work = new AbortController();
    // Whoever asked has stopped waiting by then, and may be gone.
    const timer = setTimeout(() => work.abort(), timeoutMs);
    try {
      if (this.#serving.size >= MAX_PENDING) {
        throw new AppError("unavailable", "The instance serves too many requests.");
      }
      this.#serving.set(key, work);
      const handler = this.#handlers.get(topic);
      if (handler === undefined) throw new AppError("not_found", "Nobody serves this topic here.");
      const answer = await handler(payload, { from, signal: work.signal });
      if (!work.signal.aborted) this.#send(from, { kind: "reply", id, payload: answer ?? null });
    } catch (thrown) {
      if (work.signal.aborted) return;
      const { code, message } = toAppError(thrown);
      if (code === "internal") {
        this.#logger.error("cluster: a request failed", { topic, error: errorText(thrown) });
      }
      this.#send(from, { kind: "refusal", id, code, message });
    } finally {
      clearTimeout(timer);
      this.#serving.delete(key);
    }
  }

  [Symbol.dispose](): void {
    this.#listening.stop();
    for (const work of this.#serving.values()) work.abort();
    const closed = new AppError("unavailable", "The instance is closing.");
    for (const { reject } of this.#pending.values()) reject(closed);
    this.#handlers.clear();
  }
}

function channelOf(instanceId: string): string {
  return `instance#${instanceId}`;
}
