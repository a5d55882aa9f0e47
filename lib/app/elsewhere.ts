/** What one instance asks of another: to call a session, to take a browser's line, to resume a stream. */
import * as v from "valibot";
import type { Cluster } from "../cluster/cluster.ts";
import { AppError } from "../common/errors.ts";
import { pause } from "../common/pause.ts";
import type { ResumeQuery } from "../completions/stream_registry.ts";
import type { ChatEvent, ResumeAnswer } from "../protocol/events.ts";
import { type BrowserLine, BrowserModelLineSchema } from "../realtime/payloads.ts";
import { type CallRequest, type EventCaller, GONE, timedOut } from "../realtime/caller.ts";
import type { RealtimeServer } from "../realtime/session.ts";
import type { Json } from "../state/state_store.ts";
import type { Services } from "./services.ts";

const IdSchema = v.pipe(v.string(), v.minLength(1), v.maxLength(512));
const CallSchema = v.object({
  userId: IdSchema,
  sessionId: IdSchema,
  event: v.looseObject({ chat_id: v.string(), message_id: v.string() }),
});
const LineSchema = v.object({
  channel: IdSchema,
  userId: IdSchema,
  sid: IdSchema,
  line: BrowserModelLineSchema,
});
const GoneSchema = v.object({ sid: IdSchema });
const ResumeSchema = v.object({
  userId: IdSchema,
  chatId: IdSchema,
  messageId: v.optional(IdSchema),
  after: v.optional(v.number()),
  generation: v.optional(v.string()),
});

/** What other instances may see of a socket in `fetchSockets`. */
export interface VisibleSession {
  userId: string;
  instanceId: string;
}

const VisibleSchema = v.object({ userId: IdSchema, instanceId: IdSchema });

/** Beyond its own limit, the other instance's answer gets this long to arrive. */
const ANSWER_MARGIN_MS = 2_000;
/** How often it is looked whether the instance that was asked still lives. */
const LOOK_EVERY_MS = 2_000;
/** An answer from a stream's own instance is worth this wait; then the store is asked. */
const RESUME_TIMEOUT_MS = 1_000;

/** The other instances, as the parts of this one see them. */
export class Elsewhere {
  readonly #cluster: Cluster;
  readonly #services: Services;
  readonly #timeoutMs: number;
  /** Sessions here that other instances have asked: they want to know when one goes. */
  readonly #askedBy = new Map<string, Set<string>>();

  constructor(cluster: Cluster, services: Services, timeoutMs: number) {
    this.#cluster = cluster;
    this.#services = services;
    this.#timeoutMs = timeoutMs;
  }

  /** Calls a session of another instance. Never rejects. */
  async call(io: RealtimeServer, { signal, ...request }: CallRequest): Promise<unknown> {
    const { registry } = this.#services;
    const instanceId = await this.#whereIs(io, request);
    if (instanceId === undefined || instanceId === registry.id) return GONE;
    using waiting = new Waiting(signal);
    const isOver = this.#whenDead(instanceId, waiting.signal);
    const answer = this.#cluster.instances.request(
      instanceId,
      "call",
      request as unknown as Json,
      { timeoutMs: this.#timeoutMs + ANSWER_MARGIN_MS, signal: waiting.signal },
    ).catch((thrown) =>
      thrown instanceof AppError && thrown.code === "timeout" ? timedOut(this.#timeoutMs) : GONE
    );
    return await Promise.race([answer, isOver]);
  }

  /** Gives a line of a browser's stream to the instance that waits for it. */
  async sendLine(instanceId: string, line: BrowserLine): Promise<void> {
    await this.#cluster.instances.request(instanceId, "browser_line", line as unknown as Json);
  }

  /** Tells those who asked this session that it has gone. */
  sessionGone(sid: string): void {
    for (const instanceId of this.#askedBy.get(sid) ?? []) {
      // Who can't be told finds out by its own time limit.
      this.#cluster.instances.request(instanceId, "session_gone", { sid }).catch(() => {});
    }
    this.#askedBy.delete(sid);
  }

  /** What the stream's own instance knows; `undefined` when it does not answer soon. */
  async resume(instanceId: string, query: ResumeQuery): Promise<ResumeAnswer | undefined> {
    try {
      const answer = await this.#cluster.instances.request(
        instanceId,
        "resume",
        query as unknown as Json,
        { timeoutMs: RESUME_TIMEOUT_MS },
      );
      return (answer ?? undefined) as ResumeAnswer | undefined;
    } catch {
      return undefined;
    }
  }

  /** Answers what other instances ask, until disposed of. */
  serve(here: {
    call: EventCaller;
    hasSession(sid: string): boolean;
    takeLine(line: BrowserLine): void;
    browserGone(sid: string): void;
  }): Disposable {
    const { instances } = this.#cluster;
    const { streams } = this.#services;
    const served = new DisposableStack();
    served.use(instances.handle("call", async (payload, { from, signal }) => {
      const { event, ...who } = v.parse(CallSchema, payload);
      if (here.hasSession(who.sessionId)) this.#note(who.sessionId, from);
      const request = { ...who, event: event as unknown as ChatEvent, signal };
      return await here.call(request) as Json;
    }));
    served.use(instances.handle("browser_line", (payload) => {
      here.takeLine(v.parse(LineSchema, payload));
      return null;
    }));
    served.use(instances.handle("session_gone", (payload) => {
      here.browserGone(v.parse(GoneSchema, payload).sid);
      return null;
    }));
    served.use(instances.handle("resume", (payload) => {
      const answer = streams.resumeHere(v.parse(ResumeSchema, payload));
      return (answer ?? null) as unknown as Json;
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
    io: RealtimeServer,
    { userId, sessionId }: Pick<CallRequest, "userId" | "sessionId">,
  ): Promise<string | undefined> {
    try {
      const pooled = await this.#services.sessions.get(sessionId);
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
      const isAlive = await this.#services.registry.isAlive(instanceId).catch(() => true);
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
