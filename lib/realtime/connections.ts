import * as v from "valibot";
import { AccessReview } from "../common/access_review.ts";
import { AppError, errorText } from "../common/errors.ts";
import type { Logger } from "../common/logger.ts";
import { type ErrorEvent, rooms } from "../protocol/events.ts";
import type { SessionUser } from "../protocol/user.ts";
import type { Comebacks } from "./comebacks.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { isStill } from "./local_sockets.ts";
import type { Knowledge } from "./knowledge.ts";
import { HandshakeSchema } from "./payloads.ts";
import type { RealtimeServer, RealtimeSocket, Session } from "./session.ts";
import { ExpiryTimer } from "./expiry_timer.ts";

export interface ConnectionsOptions {
  io: RealtimeServer;
  verify: Knowledge["verify"];
  /** Tells the transport that a user is known; `false` when there is no place for the socket. */
  welcome(socket: RealtimeSocket): boolean;
  pool: {
    /** Resolves when others may rely on finding the session. Never rejects. */
    add(sid: string, user: SessionUser): Promise<void>;
    remove(sid: string): void;
  };
  /** Lets sessions come back whose connection was lost. Default: none does. */
  comebacks?: Comebacks;
  /** A session has gone, after its socket left all rooms: those that it was in. */
  onSessionGone?(session: Session, rooms: readonly string[]): void;
  /** Whether each connection is logged (`WEBSOCKET_SERVER_ENGINEIO_LOGGING`). Default: `false`. */
  isLogged?: boolean;
  logger: Logger;
  nowMs: () => number;
}

const CHANGED = "Access has changed: sign in again.";

/**
 * The life of a socket's session: opened by the handshake or `user-join`, closed with the socket,
 * its token's end, or a change of what the user may do (docs/protocol.md, sections 1 to 3).
 */
export class Connections implements Disposable {
  readonly #options: ConnectionsOptions;
  readonly #tokens: ExpiryTimer;
  /** Rises with every access change, so that one that came while a token was verified is not missed. */
  #accessEpoch = 0;
  readonly #verifiedIn = new WeakMap<Session, number>();
  readonly #review: AccessReview;

  constructor(options: ConnectionsOptions) {
    this.#options = options;
    this.#review = new AccessReview({ what: "sessions", logger: options.logger });
    this.#tokens = new ExpiryTimer(
      (sid) => this.#expired(sid),
      options.nowMs,
    );
  }

  /** Takes every socket of the server from here on; the dispatcher hears what they send. */
  listen(dispatcher: Pick<Dispatcher, "attach">): void {
    const { io } = this.#options;
    io.use((socket, next) =>
      void this.#admit(socket).then(() => next(), () => socket.conn.close())
    );
    io.on("connection", (socket) => {
      dispatcher.attach(socket);
      this.#connected(socket);
    });
  }

  /**
   * Verifies the token and makes the socket's session what it says. Throws `unauthenticated` or
   * `forbidden`, and leaves the session as it was.
   */
  async signIn(socket: RealtimeSocket, token: string): Promise<Session> {
    const session = await this.#verified(socket.id, token);
    if (!socket.connected) throw new AppError("unauthenticated", "The socket is gone.");
    this.#welcome(socket);
    const before = socket.data.session;
    if (before && before.user.id !== session.user.id) {
      const left = [...socket.rooms].filter((room) => room !== socket.id);
      for (const room of left) socket.leave(room);
      this.#options.onSessionGone?.(before, left);
    }
    if (before?.token.exp !== undefined) this.#tokens.delete(socket.id, before.token.exp);
    socket.data.session = session;
    await this.#options.pool.add(socket.id, session.user);
    // Another sign-in of the same socket may have overtaken it: its rooms are the ones that count.
    this.#requireStill(socket, session);
    await this.#open(socket, session);
    this.#requireStill(socket, session);
    return session;
  }

  #requireStill(socket: RealtimeSocket, session: Session): void {
    if (isStill(socket, session)) return;
    throw new AppError("unauthenticated", "This session has ended already.");
  }

  /** Closes the local sessions of a user, all or those that `which` picks; the reason is sent. */
  closeUser(
    userId: string,
    reason: string,
    which: (session: Session) => boolean = () => true,
  ): void {
    this.#accessEpoch++;
    const { io } = this.#options;
    const sids = io.sockets.adapter.rooms.get(rooms.user(userId));
    for (const sid of [...sids ?? []]) {
      const session = io.sockets.sockets.get(sid)?.data.session;
      if (session && which(session)) this.#close(sid, reason);
    }
  }

  /** Changes may have been missed: asks of every local session whether it still counts. Never rejects. */
  async recheck(): Promise<void> {
    this.#accessEpoch++;
    const sockets = [...this.#options.io.sockets.sockets.values()];
    await this.#review.askAll(
      sockets.flatMap((socket) =>
        socket.data.session ? [this.#stillCounts(socket, socket.data.session)] : []
      ),
    );
  }

  #stillCounts(socket: RealtimeSocket, session: Session) {
    return {
      key: socket.id,
      ask: () => session.token.stillCounts(),
      apply: (counts: boolean) => {
        if (!counts && isStill(socket, session)) this.#close(socket.id, CHANGED);
      },
      matters: () => isStill(socket, session),
    };
  }

  /** A socket without a valid token is let in, but holds no session. */
  async #admit(socket: RealtimeSocket): Promise<void> {
    const auth = v.safeParse(HandshakeSchema, socket.handshake.auth ?? {});
    // The handshake travels to other instances with the socket's data: the token must not.
    socket.handshake.auth = {};
    const { comebacks } = this.#options;
    const { token, pid } = auth.success ? auth.output : {};
    comebacks?.begin(socket, pid);
    if (!token) return await comebacks?.admit(socket, undefined);
    const wasThere = socket.data.found !== undefined;
    try {
      const session = await this.#verified(socket.id, token);
      this.#welcome(socket);
      await comebacks?.admit(socket, session);
      socket.data.session = session;
      // The client hears of its id next, and whoever it tells that looks for the session.
      await this.#makeKnown(socket, session);
    } catch (thrown) {
      // Who came back and is not the one who went keeps nothing of it: closed, it comes as a new one.
      if (wasThere || !(thrown instanceof AppError) || thrown.code === "unavailable") {
        // Without a session the client would stay mute for ever: closed, it comes back and tries again.
        this.#options.logger.warn("connect failed", { error: errorText(thrown) });
        throw thrown;
      }
    }
  }

  async #makeKnown(socket: RealtimeSocket, { user }: Session): Promise<void> {
    const { pool, io } = this.#options;
    // A connection that ends before Socket.IO has taken the socket in tells nobody else.
    socket.conn.once("close", () => {
      if (!io.sockets.sockets.has(socket.id)) pool.remove(socket.id);
    });
    await pool.add(socket.id, user);
    if (socket.conn.readyState !== "open") pool.remove(socket.id);
  }

  #welcome(socket: RealtimeSocket): void {
    if (this.#options.welcome(socket)) return;
    throw new AppError("unavailable", "There are too many connections.");
  }

  async #verified(sid: string, token: string): Promise<Session> {
    const epoch = this.#accessEpoch;
    const { user, ...verified } = await this.#options.verify(token);
    const session: Session = { sid, user, token: verified };
    this.#verifiedIn.set(session, epoch);
    return session;
  }

  #connected(socket: RealtimeSocket): void {
    const { logger, isLogged } = this.#options;
    const { session } = socket.data;
    this.#options.comebacks?.connected(socket);
    let left: string[] = [];
    socket.on("disconnecting", () => void (left = [...socket.rooms]));
    socket.on("disconnect", (reason) => {
      if (isLogged) logger.info("disconnected", { sid: socket.id, reason });
      this.#gone(socket, left);
    });
    if (isLogged) logger.info("connected", { sid: socket.id, user: session?.user.id });
    if (!session) return;
    this.#open(socket, session).catch((thrown) => {
      logger.warn("session could not be opened", { sid: socket.id, error: errorText(thrown) });
    });
  }

  /** Joins and makes known. A socket whose session can't be vouched for is closed: it comes back. */
  async #open(socket: RealtimeSocket, session: Session): Promise<void> {
    if (session.token.exp !== undefined) this.#tokens.add(socket.id, session.token.exp);
    const isCurrent = () => socket.connected && socket.data.session === session;
    try {
      const { id, role } = session.user;
      await socket.join(role === "admin" ? [rooms.user(id), rooms.admins] : rooms.user(id));
      if (this.#verifiedIn.get(session) !== this.#accessEpoch) {
        // From the join on, changes find the socket; one that came before it is asked for.
        const counts = await session.token.stillCounts();
        if (!isCurrent()) return;
        if (!counts) return this.#close(socket.id, CHANGED);
      }
    } catch (thrown) {
      if (isCurrent()) socket.conn.close();
      throw thrown;
    }
  }

  #gone(socket: RealtimeSocket, left: readonly string[]): void {
    const { session } = socket.data;
    if (!session) return;
    if (session.token.exp !== undefined) this.#tokens.delete(socket.id, session.token.exp);
    this.#options.pool.remove(socket.id);
    this.#options.onSessionGone?.(session, left);
  }

  #expired(sid: string): void {
    const exp = this.#options.io.sockets.sockets.get(sid)?.data.session?.token.exp;
    // A socket may have signed in anew in the last moment of its old token.
    if (exp === undefined || exp * 1_000 > this.#options.nowMs()) return;
    this.#close(sid, "The token has expired: sign in again.", "token_expired");
  }

  #close(sid: string, message: string, code: ErrorEvent["code"] = "unauthenticated"): void {
    const socket = this.#options.io.sockets.sockets.get(sid);
    if (!socket) return;
    const error: ErrorEvent = { event: "session", code, message };
    socket.emit("error", error);
    socket.disconnect(true);
  }

  [Symbol.dispose](): void {
    this.#review[Symbol.dispose]();
    this.#tokens[Symbol.dispose]();
  }
}
