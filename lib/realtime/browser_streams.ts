import { AppError } from "../common/errors.ts";
import { shownWords, wordsOf } from "../completions/provider_words.ts";
import { event, type EventDefinition } from "./dispatcher.ts";
import { type BrowserLine, type BrowserModelLine, BrowserModelLineSchema } from "./payloads.ts";

/** How long a browser that lost its socket in mid-stream may take to come back and go on. */
const RECONNECT_GRACE_MS = 15_000;

/** What may wait for its reader; a browser that streams faster than that is cut off. */
const MAX_WAITING_LINES = 10_000;
const MAX_WAITING_LENGTH = 16 * 1024 * 1024;

/** The end of a stream, and why it came before the answer's; a chunk of a model may say `done`, too. */
const isEnd = (line: BrowserModelLine): line is { done: true; error?: unknown } =>
  typeof line === "object" && line.done === true && !("message" in line) && !("choices" in line);

/** A stream that a browser sends line by line, until it says `{done: true}`. */
export interface BrowserStream extends Disposable {
  /** The event name under which the browser sends: `{user_id}:{session_id}:{request_id}`. */
  readonly channel: string;
  /**
   * The lines as they come, all that wait as one text; a line that was sent parsed is text again.
   * Throws `stream_broken` when the browser goes away in mid-stream or says that its provider did,
   * `too_large` when it streams faster than it is read.
   */
  lines(signal: AbortSignal): AsyncIterable<string>;
}

interface Waiter {
  userId: string;
  /** The session that spoke last: a browser that comes back goes on under the name it was given. */
  sid: string;
  push(line: BrowserModelLine): void;
  /** Ends the stream when nothing comes for so long. */
  expect(withinMs: number, error: AppError): void;
}

export interface BrowserStreamsOptions {
  /** This instance's id: it stands in the channels' names, so that others know where lines belong. */
  instanceId: string;
  /** Gives a line to the instance that waits for it. Default: there are no others. */
  forward?: (instanceId: string, line: BrowserLine) => Promise<void>;
  /** How long a browser that lost its socket may take to come back, in milliseconds. Default: 15,000. */
  graceMs?: number;
}

/**
 * The streams of models that run in a browser with the user's own key (docs/protocol.md, section 6:
 * direct connections). The browser answers on an event name of its own; whoever waits for it is
 * found here.
 */
export class BrowserStreams {
  readonly #waiters = new Map<string, Waiter>();
  readonly #graceMs: number;
  readonly #instanceId: string;
  readonly #forward: BrowserStreamsOptions["forward"];

  constructor(
    { instanceId, forward, graceMs = RECONNECT_GRACE_MS }: BrowserStreamsOptions,
  ) {
    this.#instanceId = instanceId;
    this.#forward = forward;
    this.#graceMs = graceMs;
  }

  /** Opens a channel for one request to one session; disposing of it closes the channel. */
  open(userId: string, sid: string): BrowserStream {
    const channel = `${userId}:${sid}:${this.#instanceId}.${crypto.randomUUID()}`;
    const queue: string[] = [];
    let length = 0;
    let isOver = false;
    let failure: AppError | undefined;
    let wake: (() => void) | undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;

    const end = (error?: AppError) => {
      isOver = true;
      failure ??= error;
      clearTimeout(timer);
      wake?.();
    };
    const expect: Waiter["expect"] = (withinMs, error) => {
      clearTimeout(timer);
      if (!isOver) timer = setTimeout(() => end(error), withinMs);
    };

    function push(line: BrowserModelLine): void {
      if (isOver) return;
      // Who speaks is there.
      clearTimeout(timer);
      if (isEnd(line)) return end(brokenOff(line.error));
      const text = typeof line === "string" ? line : JSON.stringify(line);
      length += text.length;
      queue.push(text);
      if (queue.length > MAX_WAITING_LINES || length > MAX_WAITING_LENGTH) {
        end(new AppError("too_large", "The browser's model streams faster than it is read."));
      } else {
        wake?.();
      }
    }

    async function* lines(signal: AbortSignal): AsyncGenerator<string> {
      const awaken = () => wake?.();
      signal.addEventListener("abort", awaken);
      try {
        while (true) {
          signal.throwIfAborted();
          if (queue.length > 0) {
            length = 0;
            yield queue.splice(0).join("\n");
          } else if (failure) {
            throw failure;
          } else if (isOver) {
            return;
          } else {
            await new Promise<void>((resolve) => wake = resolve);
          }
        }
      } finally {
        signal.removeEventListener("abort", awaken);
      }
    }

    this.#waiters.set(channel, { userId, sid, push, expect });
    const close = () => {
      end();
      this.#waiters.delete(channel);
    };
    return { channel, lines, [Symbol.dispose]: close };
  }

  /** The definition of a channel's event, if somebody waits for it, here or on another instance. */
  definition(name: string): EventDefinition | undefined {
    const owner = ownerOf(name);
    if (owner === undefined) return undefined;
    const isHere = owner === this.#instanceId;
    const forward = this.#forward;
    if (isHere ? !this.#waiters.has(name) : !forward) return undefined;
    return event({
      schema: BrowserModelLineSchema,
      handle: ({ session }, line) => {
        // What is somebody else's by its name costs the other instances nothing.
        if (!name.startsWith(`${session.user.id}:`)) throw foreign();
        const whole = { channel: name, userId: session.user.id, sid: session.sid, line };
        return isHere ? this.take(whole) : forward?.(owner, whole);
      },
    });
  }

  /**
   * Gives a line to whoever waits for it here. A name can be guessed: only the user who was asked may
   * answer, from whichever session. Throws `forbidden`, and `not_found` when nobody waits any more.
   */
  take({ channel, userId, sid, line }: BrowserLine): void {
    const waiter = this.#waiters.get(channel);
    if (!waiter) throw new AppError("not_found", "Nobody waits for this stream any more.");
    if (userId !== waiter.userId) throw foreign();
    waiter.sid = sid;
    waiter.push(line);
  }

  /** Ends the streams of a session that went away, unless the browser comes back and goes on. */
  sessionGone(sid: string): void {
    for (const waiter of this.#waiters.values()) {
      if (waiter.sid !== sid) continue;
      waiter.expect(
        this.#graceMs,
        new AppError("stream_broken", "Client session disconnected."),
      );
    }
  }
}

/** What the browser says of its provider, in its own words: they are the user's own to read. */
function brokenOff(error: unknown): AppError | undefined {
  if (error === undefined || error === null) return undefined;
  const words = wordsOf(error);
  return new AppError(
    "stream_broken",
    `The model's answer broke off${words === undefined ? "." : `: ${shownWords(words)}`}`,
  );
}

const foreign = () => new AppError("forbidden", "This stream belongs to somebody else.");

/** A client says the name: what is no id of an instance must not become a part of a key. */
const INSTANCE_ID = /^[A-Za-z0-9_-]{1,64}$/;

/** The instance in a channel's name, `{user_id}:{session_id}:{instance_id}.{uuid}`. */
function ownerOf(name: string): string | undefined {
  const [, , request, ...more] = name.split(":");
  if (request === undefined || more.length > 0) return undefined;
  const [instanceId, id, ...rest] = request.split(".");
  const isName = instanceId && INSTANCE_ID.test(instanceId) && id && rest.length === 0;
  return isName ? instanceId : undefined;
}
