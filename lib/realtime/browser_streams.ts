import * as v from "valibot";
import { AppError } from "../common/errors.ts";
import { event, type EventDefinition } from "./dispatcher.ts";
import { BrowserModelLineSchema } from "./payloads.ts";

/** How long a browser that lost its socket in mid-stream may take to come back and go on. */
const RECONNECT_GRACE_MS = 15_000;

/** Lines that wait for their reader; a browser that streams faster than that is cut off. */
const MAX_WAITING_LINES = 10_000;

type Line = v.InferOutput<typeof BrowserModelLineSchema>;

/** A stream that a browser sends line by line, until it says `{done: true}`. */
export interface BrowserStream extends Disposable {
  /** The event name under which the browser sends: `{user_id}:{session_id}:{request_id}`. */
  readonly channel: string;
  /** The lines as they come. Throws `provider_error` when the browser goes away in mid-stream. */
  lines(signal: AbortSignal): AsyncIterable<Line>;
}

interface Waiter {
  userId: string;
  sid: string;
  push(line: Line): void;
  sessionGone(graceMs: number): void;
}

/**
 * The streams of models that run in a browser with the user's own key (protocol, section 6:
 * direct connections). The browser answers on an event name of its own; whoever waits for it is
 * found here.
 */
export class BrowserStreams {
  readonly #waiters = new Map<string, Waiter>();
  readonly #graceMs: number;

  constructor({ graceMs = RECONNECT_GRACE_MS }: { graceMs?: number } = {}) {
    this.#graceMs = graceMs;
  }

  /** Opens a channel for one request to one session; disposing of it closes the channel. */
  open(userId: string, sid: string): BrowserStream {
    const channel = `${userId}:${sid}:${crypto.randomUUID()}`;
    const queue: Line[] = [];
    let failure: AppError | undefined;
    let wake: (() => void) | undefined;
    let graceTimer: ReturnType<typeof setTimeout> | undefined;
    const awaken = () => wake?.();

    this.#waiters.set(channel, {
      userId,
      sid,
      push(line) {
        clearTimeout(graceTimer);
        if (queue.length >= MAX_WAITING_LINES) {
          failure = new AppError(
            "too_large",
            "The browser's model streams faster than it is read.",
          );
        } else queue.push(line);
        awaken();
      },
      sessionGone: (graceMs) => {
        clearTimeout(graceTimer);
        graceTimer = setTimeout(() => {
          failure = new AppError("provider_error", "Client session disconnected.");
          awaken();
        }, graceMs);
      },
    });

    async function* lines(signal: AbortSignal): AsyncGenerator<Line> {
      signal.addEventListener("abort", awaken);
      try {
        while (true) {
          signal.throwIfAborted();
          const line = queue.shift();
          if (line !== undefined) {
            if (typeof line === "object" && line.done === true) return;
            yield line;
          } else if (failure) {
            throw failure;
          } else {
            await new Promise<void>((resolve) => wake = resolve);
          }
        }
      } finally {
        signal.removeEventListener("abort", awaken);
      }
    }

    const close = () => {
      clearTimeout(graceTimer);
      this.#waiters.delete(channel);
    };
    return { channel, lines, [Symbol.dispose]: close };
  }

  /** The definition of a channel's event, if somebody waits for it. */
  definition(name: string): EventDefinition | undefined {
    const waiter = this.#waiters.get(name);
    if (!waiter) return undefined;
    return event({
      schema: BrowserModelLineSchema,
      handle({ session }, line) {
        // A name can be guessed; only the user who was asked may answer. The session may be a new
        // one: a browser that reconnects in mid-stream goes on under the name it was given.
        if (session.user.id !== waiter.userId) {
          throw new AppError("forbidden", "This stream belongs to somebody else.");
        }
        waiter.push(line);
      },
    });
  }

  /** Ends the streams of a session that went away, unless the browser comes back and goes on. */
  sessionGone(sid: string): void {
    for (const waiter of this.#waiters.values()) {
      if (waiter.sid === sid) waiter.sessionGone(this.#graceMs);
    }
  }
}
