import { AppError } from "../common/errors.ts";
import type { RealtimeSocket, Session } from "./session.ts";
import { event, type EventTable, openEvent } from "./dispatcher.ts";
import { HeartbeatSchema, UsageSchema, UserJoinSchema, UsersWatchSchema } from "./payloads.ts";

export interface SessionEventsOptions {
  /** Opens the socket's session and lets it into its rooms. */
  signIn(socket: RealtimeSocket, token: string): Promise<Session>;
  /** Notes that the session is alive. */
  touchSession(sid: string): void;
  /** Notes that the user is here, at most once a minute in the store. */
  touchUser(userId: string): void;
  /** Notes that the session uses the model for the next seconds, unless too many are in use. */
  useModel(sid: string, model: string): { accepted: boolean };
  /** Tells the session from now on who of these comes and goes; says who is online. */
  watchUsers(socket: RealtimeSocket, userIds: string[]): Promise<string[]>;
}

/** `user-join`, `heartbeat`, `usage` and `users:watch` (docs/protocol.md, section 4). */
export function sessionEvents(options: SessionEventsOptions): EventTable {
  return {
    "user-join": openEvent({
      schema: UserJoinSchema,
      open: true,
      async handle(socket, { auth }) {
        const { user } = await options.signIn(socket, auth.token);
        return { id: user.id, name: user.name };
      },
    }),
    heartbeat: event({
      schema: HeartbeatSchema,
      handle({ session }) {
        options.touchSession(session.sid);
        options.touchUser(session.user.id);
      },
    }),
    usage: event({
      schema: UsageSchema,
      handle({ session }, { model }) {
        const { accepted } = options.useModel(session.sid, model);
        if (!accepted) throw new AppError("rate_limited", "Too many models are in use at once.");
      },
    }),
    "users:watch": event({
      schema: UsersWatchSchema,
      handle: async ({ socket }, { user_ids }) => ({
        online: await options.watchUsers(socket, user_ids),
      }),
    }),
  };
}
