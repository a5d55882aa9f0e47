import type * as v from "valibot";
import { checked } from "../common/checked.ts";
import { AppError, errorText, toAppError } from "../common/errors.ts";
import type { Clock } from "../common/clock.ts";
import type { Logger } from "../common/logger.ts";
import { withSpan } from "../common/tracing.ts";
import type { ErrorCode, Refusal } from "../protocol/error_codes.ts";
import type { ErrorEvent } from "../protocol/events.ts";
import type { ClientEventName } from "../protocol/wire_events.ts";
import { TokenBucket } from "../common/token_bucket.ts";
import type { RealtimeSocket, Session } from "./session.ts";

type Ack = (...answer: unknown[]) => void;
type PayloadSchema = v.GenericSchema<unknown, unknown>;

/** What a handler is given beside its payload. */
export interface EventContext {
  socket: RealtimeSocket;
  session: Session;
}

/**
 * One event of the wire. `handle` returns what the ack carries; `undefined` becomes
 * `{status: true}`, so that a client that waits for an ack always gets one.
 */
export interface EventDefinition<S extends PayloadSchema = PayloadSchema> {
  schema: S;
  handle(context: EventContext, payload: v.InferOutput<S>): unknown;
}

/** As an {@linkcode EventDefinition}, for the one event that a socket without a session may send. */
export interface OpenEventDefinition<S extends PayloadSchema = PayloadSchema> {
  schema: S;
  open: true;
  handle(socket: RealtimeSocket, payload: v.InferOutput<S>): unknown;
}

/** Keeps the payload's type tied to its schema where events are listed. */
export function event<S extends PayloadSchema>(definition: EventDefinition<S>): EventDefinition {
  // A handler is given what its own schema has read, and nothing else.
  return definition as unknown as EventDefinition;
}

/** As {@linkcode event}, for an event that needs no session. */
export function openEvent<S extends PayloadSchema>(
  definition: OpenEventDefinition<S>,
): OpenEventDefinition {
  return definition as unknown as OpenEventDefinition;
}

export type EventTable = {
  readonly [E in ClientEventName]?: EventDefinition | OpenEventDefinition;
};

/** Finds the definition of an event whose name is made at run time, such as a stream's own channel. */
export type DynamicEvents = (name: string) => EventDefinition | undefined;

export interface DispatcherOptions {
  events: EventTable;
  dynamic?: DynamicEvents;
  /** What one socket may send a second. */
  eventsPerSecond: number;
  /**
   * How the sender of an event learns that it was refused, or that nobody knows it: `told` why
   * (docs/protocol.md, section 4), or as Open WebUI's client knows it, by an ack with nothing in it; of
   * `user-join` an `error` says why before that. Default: `told`.
   */
  refusals?: "told" | "empty";
  /** An event of a session is handled; called for each. Default: nobody asks. */
  onEvent?(name: string, session: Session): void;
  /** Whether a line is written for every event (`WEBSOCKET_SERVER_LOGGING`). Default: `false`. */
  isLogged?: boolean;
  clock: Clock;
  logger: Logger;
}

export interface DispatcherStats {
  /** Handled events by name; names that are not in the table count as `other`. */
  events: ReadonlyMap<string, number>;
  /** Refused events by code. */
  refusals: ReadonlyMap<string, number>;
}

/** What a socket without a session may send: enough to sign in, and to be told that it has to. */
const STRANGERS_EVENTS = { perSecond: 1, burst: 100 };
const EVENT_SPAN = { "messaging.system": "socket.io" };
const OK = { status: true } as const;
/** Stands for an ack without an answer. */
const EMPTY = Symbol("empty");

/**
 * The one way in for every event of every socket: rate, session, payload, handler, answer.
 *
 * What is refused is answered: with an ack, `{status: false, error}`; without one, by the event
 * `error` (docs/protocol.md, section 4).
 */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #events: ReadonlyMap<string, EventDefinition | OpenEventDefinition>;
  readonly #handled = new Map<string, number>();
  readonly #refused = new Map<string, number>();

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#events = new Map(Object.entries(options.events));
  }

  get #isEmpty(): boolean {
    return this.#options.refusals === "empty";
  }

  stats(): DispatcherStats {
    return { events: this.#handled, refusals: this.#refused };
  }

  /** Serves all events of the socket from here on. */
  attach(socket: RealtimeSocket): void {
    const nowMs = this.#options.clock.nowMs();
    const rate = new TokenBucket({ perSecond: this.#options.eventsPerSecond, nowMs });
    const strangersRate = new TokenBucket({ ...STRANGERS_EVENTS, nowMs });
    // A middleware that never calls on: the event ends here, instead of being emitted once more, a
    // tick later, for listeners that nobody has added.
    socket.use((event) => {
      if (socket.data.session || strangersRate.take(this.#options.clock.nowMs())) {
        return this.#dispatch(socket, rate, event);
      }
      // Closed below Socket.IO: an honest client comes back by itself.
      socket.conn.close();
    });
  }

  #dispatch(socket: RealtimeSocket, rate: TokenBucket, event: readonly unknown[]): void {
    const name = String(event[0]);
    const last = event.at(-1);
    const ack = typeof last === "function" ? last as Ack : undefined;
    // What was read before the socket was closed still comes in here; it must not join a room again.
    if (!socket.connected) return;
    const payload = event[1] === ack ? undefined : event[1];
    try {
      const answer = withSpan(
        this.#label(name),
        EVENT_SPAN,
        () => this.#handle(socket, rate, name, payload),
      );
      if (answer === EMPTY) return ack?.();
      if (!(answer instanceof Promise)) return ack?.(answer ?? OK);
      this.#whenHandled(answer, socket, name, ack);
    } catch (thrown) {
      this.#refuse(socket, name, thrown, ack);
    }
  }

  /** Apart, so that what waits keeps no payload in memory: thousands of events may wait for the store. */
  #whenHandled(
    answer: Promise<unknown>,
    socket: RealtimeSocket,
    name: string,
    ack: Ack | undefined,
  ): void {
    answer.then(
      (value) => ack?.(value ?? OK),
      (thrown) => this.#refuse(socket, name, thrown, ack),
    );
  }

  #handle(socket: RealtimeSocket, rate: TokenBucket, name: string, payload: unknown): unknown {
    const { isLogged, logger } = this.#options;
    if (isLogged) {
      const user = socket.data.session?.user.id;
      logger.info("event", { event: this.#label(name), sid: socket.id, user });
    }
    if (!rate.take(this.#options.clock.nowMs())) {
      throw new AppError("rate_limited", "Too many events: slow down.");
    }
    const definition = this.#events.get(name) ?? this.#options.dynamic?.(name);
    const session = socket.data.session;
    if (!definition && session && this.#isEmpty) {
      count(this.#handled, "other");
      return EMPTY;
    }
    if (!definition) {
      throw session
        ? new AppError("not_found", "There is no such event.")
        : new AppError("unauthenticated", "Sign in first: this socket has no session.");
    }
    count(this.#handled, this.#label(name));
    if ("open" in definition) return definition.handle(socket, checked(definition.schema, payload));
    if (!session) {
      throw new AppError("unauthenticated", "Sign in first: this socket has no session.");
    }
    this.#options.onEvent?.(this.#label(name), session);
    return definition.handle({ socket, session }, checked(definition.schema, payload));
  }

  #refuse(socket: RealtimeSocket, name: string, thrown: unknown, ack: Ack | undefined): void {
    const { code, message } = toAppError(thrown);
    count(this.#refused, code);
    if (code === "internal") {
      const label = this.#label(name);
      this.#options.logger.error("event failed", { event: label, error: errorText(thrown) });
    }
    const wireCode: ErrorCode = code === "internal" ? "unavailable" : code;
    // Who can't sign in has to know why; of an ack with nothing in it, nobody learns that.
    if (!ack || (this.#isEmpty && name === "user-join")) {
      const error: ErrorEvent = { event: name.slice(0, 128), code: wireCode, message };
      socket.emit("error", error);
    }
    const refusal: Refusal = { status: false, error: { code: wireCode, message } };
    if (this.#isEmpty) ack?.();
    else ack?.(refusal);
  }

  /** A name from outside must not become a label without bound. */
  #label(name: string): string {
    return this.#events.has(name) ? name : "other";
  }
}

function count(counters: Map<string, number>, key: string): void {
  counters.set(key, (counters.get(key) ?? 0) + 1);
}
