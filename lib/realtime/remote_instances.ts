import * as v from "valibot";
import { AppError } from "../common/errors.ts";
import type { InstanceRequests } from "../common/instance_requests.ts";
import { pause } from "../common/pause.ts";
import type { InstanceRegistry } from "../sessions/instance_registry.ts";
import type { SessionPool } from "../sessions/session_pool.ts";
import type { BrowserStreams } from "./browser_streams.ts";
import { type CallRequest, createEventCaller, GONE, timedOut } from "./caller.ts";
import { type BrowserLine, BrowserModelLineSchema } from "./payloads.ts";
import type { RealtimeServer, SocketData } from "./session.ts";

const IdSchema = v.pipe(v.string(), v.minLength(1), v.maxLength(512));
const CallSchema = v.object({
  userId: IdSchema,
  sessionId: IdSchema,
  event: v.looseObject({
    chat_id: v.string(),
    message_id: v.string(),
    data: v.looseObject({ type: v.string() }),
  }),
});
const LineSchema = v.object({
  channel: IdSchema,
  userId: IdSchema,
  sid: IdSchema,
  line: BrowserModelLineSchema,
});
const GoneSchema = v.object({ sid: IdSchema });
const VisibleSchema = v.object({ userId: IdSchema, instanceId: IdSchema });

/** What other instances may see of a socket in `fetchSockets`. */
export type VisibleSession = v.InferOutput<typeof VisibleSchema>;

export function visibleSession(data: unknown, instanceId: string): VisibleSession | undefined {
  const { session } = data as SocketData;
  return session && { userId: session.user.id, instanceId };
}

/** Beyond its own limit, the other instance's answer gets this long to arrive. */
const ANSWER_MARGIN_MS = 2_000;
/** How often it is looked whether the instance that was asked still lives. */
const LOOK_EVERY_MS = 2_000;

export interface RemoteInstancesOptions {
  io: RealtimeServer;
  requests: InstanceRequests;
  registry: Pick<InstanceRegistry, "id" | "isAlive">;
  sessions: Pick<SessionPool, "get">;
  /** How long a session may take to answer a call, in milliseconds. */
  timeoutMs: number;
}

/** The sessions of other instances: calls to them, and the lines of models that run in browsers. */
export class RemoteInstances {
  readonly #options: RemoteInstancesOptions;
  /** Sessions here that other instances have asked: they want to know when one goes. */
  readonly #askedBy = new Map<string, Set<string>>();

  constructor(options: RemoteInstancesOptions) {
    this.#options = options;
  }

  /** Calls a session of another instance. Never rejects. */
  async call({ signal, ...request }: CallRequest): Promise<unknown> {
    const { registry, requests, timeoutMs } = this.#options;
    const instanceId = await this.#whereIs(request);
    if (instanceId === undefined || instanceId === registry.id) return GONE;
    using waiting = new Waiting(signal);
    const isOver = this.#whenDead(instanceId, waiting.signal);
    const answer = requests.request(instanceId, "call", request, {
      timeoutMs: timeoutMs + ANSWER_MARGIN_MS,
      signal: waiting.signal,
    }).catch((thrown) =>
      thrown instanceof AppError && thrown.code === "timeout" ? timedOut(timeoutMs) : GONE
    );
    return await Promise.race([answer, isOver]);
  }

  /**
   * Gives a line of a browser's stream to the instance that waits for it.
   *
   * @throws {AppError} `not_found` when there is no such instance, or nobody waits there
   */
  async sendLine(instanceId: string, line: BrowserLine): Promise<void> {
    const { registry, requests } = this.#options;
    if (!await registry.isAlive(instanceId)) {
      throw new AppError("not_found", "Nobody waits for this stream any more.");
    }
    await requests.request(instanceId, "browser_line", line);
  }

  /** Tells those who asked this session that it has gone. */
  sessionGone(sid: string): void {
    for (const instanceId of this.#askedBy.get(sid) ?? []) {
      // Who can't be told finds out by its own time limit.
      this.#options.requests.request(instanceId, "session_gone", { sid }).catch(() => {});
    }
    this.#askedBy.delete(sid);
  }

  /** Answers what other instances ask of the sessions here, until disposed of. */
  serve(browserStreams: Pick<BrowserStreams, "take" | "sessionGone">): Disposable {
    const { io, requests, timeoutMs } = this.#options;
    const call = createEventCaller({ io, timeoutMs });
    const served = new DisposableStack();
    served.use(requests.handle("call", async (payload, { from, signal }) => {
      const request = v.parse(CallSchema, payload);
      if (io.sockets.sockets.has(request.sessionId)) this.#note(request.sessionId, from);
      return await call({ ...request, signal });
    }));
    served.use(requests.handle("browser_line", (payload) => {
      browserStreams.take(v.parse(LineSchema, payload));
      return null;
    }));
    served.use(requests.handle("session_gone", (payload) => {
      browserStreams.sessionGone(v.parse(GoneSchema, payload).sid);
      return null;
    }));
    return served;
  }

  #note(sid: string, instanceId: string): void {
    const instances = this.#askedBy.get(sid);
    if (instances) instances.add(instanceId);
    else this.#askedBy.set(sid, new Set([instanceId]));
  }

  /** The pool knows sessions that are a second old; younger ones are asked for everywhere. */
  async #whereIs(
    { userId, sessionId }: Pick<CallRequest, "userId" | "sessionId">,
  ): Promise<string | undefined> {
    const { io, sessions } = this.#options;
    try {
      const pooled = await sessions.get(sessionId);
      if (pooled) return pooled.id === userId ? pooled.instance_id : undefined;
      const [socket] = await io.in(sessionId).fetchSockets();
      const seen = v.safeParse(VisibleSchema, socket?.data);
      return seen.success && seen.output.userId === userId ? seen.output.instanceId : undefined;
    } catch {
      return undefined;
    }
  }

  /** Resolves when the instance dies; never when the wait ends before. */
  async #whenDead(instanceId: string, signal: AbortSignal): Promise<unknown> {
    while (!signal.aborted) {
      await pause(LOOK_EVERY_MS, signal);
      if (signal.aborted) break;
      const isAlive = await this.#options.registry.isAlive(instanceId).catch(() => true);
      if (!isAlive) return GONE;
    }
    return new Promise(() => {});
  }
}

/** A signal that ends with the wait, and with the signal that it was given. */
class Waiting implements Disposable {
  readonly #over = new AbortController();
  readonly signal: AbortSignal;

  constructor(signal: AbortSignal | undefined) {
    this.signal = signal ? AbortSignal.any([signal, this.#over.signal]) : this.#over.signal;
  }

  [Symbol.dispose](): void {
    this.#over.abort();
  }
}
