import type { ChatEvent } from "../protocol/events.ts";
import type { RealtimeServer, RealtimeSocket } from "./session.ts";

export interface CallRequest {
  /** Whose session must answer: a session of anybody else counts as gone. */
  userId: string;
  sessionId: string;
  event: ChatEvent;
  /** Ends the wait early, for instance when the task that asked is stopped. */
  signal?: AbortSignal;
}

export interface EventCallerOptions {
  io: RealtimeServer;
  /** How long an answer may take, in milliseconds (`WEBSOCKET_EVENT_CALLER_TIMEOUT`). */
  timeoutMs: number;
  /** Asks a session that is not on this instance. Default: such a session counts as gone. */
  elsewhere?: EventCaller;
}

/** Asks one session and resolves with its answer, or with `{error}`: it never rejects. */
export type EventCaller = (request: CallRequest) => Promise<unknown>;

/** The answer of a session that is not there, or is somebody else's. */
export const GONE = { error: "Client session disconnected." };

/**
 * Makes the event caller (docs/protocol.md, section 6): `events` with an ack to one session, which must
 * belong to the user who asks. A disconnect ends the wait at once.
 */
export function createEventCaller(
  { io, timeoutMs, elsewhere }: EventCallerOptions,
): EventCaller {
  return async (request) => {
    const { userId, sessionId, event, signal } = request;
    const socket = io.sockets.sockets.get(sessionId);
    if (!socket && elsewhere) return await elsewhere(request);
    if (socket?.data.session?.user.id !== userId) return GONE;
    return await ask(socket, event, timeoutMs, signal);
  };
}

/**
 * Waits for whatever comes first: the answer, the disconnect, the time limit, or the signal.
 *
 * The time limit is a timer of our own: Socket.IO's `timeout()` would run on after a disconnect.
 */
function ask(
  socket: RealtimeSocket,
  event: ChatEvent,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  return new Promise((resolve) => {
    const finish = (answer: unknown) => {
      clearTimeout(timer);
      socket.off("disconnect", onDisconnect);
      signal?.removeEventListener("abort", onAbort);
      resolve(answer);
    };
    const onDisconnect = () => finish(GONE);
    const onAbort = () => finish({ error: "Event call was stopped." });
    const timer = setTimeout(() => finish(timedOut(timeoutMs)), timeoutMs);
    socket.once("disconnect", onDisconnect);
    signal?.addEventListener("abort", onAbort, { once: true });
    if (signal?.aborted) onAbort();
    else socket.emit("events", event, finish);
  });
}

/** The answer of a session that says nothing in time. */
export function timedOut(timeoutMs: number) {
  const seconds = Math.round(timeoutMs / 1000);
  return {
    error: `Event call timed out. The client did not answer within ${seconds} s ` +
      "(WEBSOCKET_EVENT_CALLER_TIMEOUT).",
  };
}
