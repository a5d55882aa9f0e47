import type { Namespace } from "socket.io";
import {
  type BroadcastOptions,
  ClusterAdapterWithHeartbeat,
  type ClusterMessage,
  type ClusterResponse,
  MessageType,
  type Room,
  type SocketId,
} from "socket.io-adapter";
import type { Listening } from "../bus/bus.ts";
import type { ReliableTransport } from "../bus/reliable_transport.ts";
import { AppError } from "../common/errors.ts";
import { AckRequests } from "./ack_requests.ts";
import { ListenedRooms } from "./listened_rooms.ts";
import type { SessionRecovery } from "./session_recovery.ts";
import { fromWire, toWire, type WireMessage, type WireOptions } from "./wire_message.ts";

/** What of a socket's data other instances may see. */
export type VisibleData = (data: unknown) => unknown;

export interface RoomAdapterOptions {
  transport: ReliableTransport;
  visibleData: VisibleData;
  /** How often an instance that says nothing else gives a sign of life. */
  heartbeatMs: number;
  /** After how long a silent instance counts as gone. */
  heartbeatTimeoutMs: number;
  /** How long `socket.join` waits for the bus at most; the room is joined here at once in any case. */
  joinTimeoutMs: number;
  /** Where else a room's events come from, another system's channel. Default: nowhere. */
  alsoListen: ((room: Room) => Listening) | undefined;
  /** Keeps what those miss who lose their connection. Default: nobody does. */
  recovery: SessionRecovery | undefined;
  onGap(): void;
  /** An answer could not be made; whoever asked gets to know by the time limit. */
  onError(error: unknown): void;
}

type Lost = Parameters<ClusterAdapterWithHeartbeat["persistSession"]>[0];
type Restored = Awaited<ReturnType<ClusterAdapterWithHeartbeat["restoreSession"]>>;
/** What is private of Socket.IO's sockets, in 4.8.4. */
interface StaleSocket {
  pid?: string;
  conn: { close(discard: boolean): void };
  _onclose(reason: string): void;
}

/** As Socket.IO makes the ids of sockets. */
const SOCKET_ID = /^[\w-]{20}$/;
/** How long after a join from afar its room's events go to everybody. */
const FRESH_MS = 5_000;
const MAX_FRESH_ROOMS = 10_000;

/**
 * Socket.IO's cluster adapter over a bus.
 *
 * - A room has a channel, and an instance listens to those of the rooms in which it has someone. So
 *   an event for one room reaches the instances that it concerns, and no other.
 * - Events for several rooms or for all, and what expects answers, go to every instance. So do those
 *   for the room of one socket, which are rare: two subscriptions fewer in the life of each socket.
 * - Local sockets are served first, and the caller never waits for the bus.
 * - `socket.join` resolves when the room's events from other instances arrive.
 */
export class RoomAdapter extends ClusterAdapterWithHeartbeat {
  readonly #options: RoomAdapterOptions;
  readonly #base: string;
  readonly #rooms: ListenedRooms;
  readonly #fresh = new Map<Room, number>();
  readonly #acks = new AckRequests();
  readonly #closing = new AbortController();
  readonly #own: Listening[];
  #heartbeat: ReturnType<typeof setTimeout> | undefined;

  constructor(nsp: Namespace, options: RoomAdapterOptions) {
    super(nsp, { heartbeatTimeout: options.heartbeatTimeoutMs });
    this.#options = options;
    this.#base = `io#${nsp.name}#`;
    const listen = (channel: string) =>
      options.transport.listen(channel, {
        onMessage: (message) => this.#receive(message),
        onGap: options.onGap,
      });
    this.#own = [listen(this.#base), listen(this.#responseChannel(this.uid))];
    this.#rooms = new ListenedRooms({
      listen: (room) => this.#listenTo(room),
      isUsed: (room) => this.rooms.has(room),
      waitMs: options.joinTimeoutMs,
    });
    this.on("create-room", (room: Room) => this.#rooms.open(room));
    this.on("delete-room", (room: Room) => this.#rooms.close(room));
    options.recovery?.serve(this.#rooms, (pid) => this.#endStale(pid));
  }

  #listenTo(room: Room): Listening[] {
    const { transport, alsoListen, onGap } = this.#options;
    const listened: Listening[] = [];
    if (!SOCKET_ID.test(room)) {
      const onMessage = (message: unknown) => this.#receive(message);
      listened.push(transport.listen(this.#roomChannel(room), { onMessage, onGap }));
    }
    if (alsoListen) listened.push(alsoListen(room));
    return listened;
  }

  /** Called by Socket.IO when a connection is lost. */
  override persistSession({ pid, sid, rooms, data }: Lost): void {
    const { session } = data as { session?: { user: { id: string } } };
    if (session) this.#options.recovery?.hold({ pid, sid, rooms, userId: session.user.id });
  }

  /** Called by Socket.IO for a client that was connected before. What was missed waits for its token. */
  override async restoreSession(pid: string, offset: string): Promise<Restored> {
    const { recovery } = this.#options;
    const found = await recovery?.find(pid, offset);
    // Socket.IO's type knows no "no", which it takes.
    if (!recovery || !found) return null as unknown as Restored;
    const { sid } = found;
    return { sid, pid: recovery.newPid(sid), rooms: [], data: { found }, missedPackets: [] };
  }

  /** A client has come back whose old connection still seems to be there. */
  async #endStale(pid: string): Promise<void> {
    const sockets = this.nsp.sockets as unknown as ReadonlyMap<string, StaleSocket>;
    const socket = sockets.get(pid.split(".")[1] ?? "");
    if (socket?.pid !== pid) return;
    socket._onclose("forced close");
    socket.conn.close(true);
    await Promise.resolve();
  }

  /** Says hello once the answers can be heard. */
  override init(): void {
    void this.live().then(() => this.#closing.signal.aborted || super.init());
  }

  /** Resolves when what concerns all instances arrives here. */
  async live(): Promise<void> {
    await Promise.all(this.#own.map(({ live }) => live));
  }

  override addAll(id: SocketId, rooms: Set<Room>): Promise<void> | void {
    super.addAll(id, rooms);
    return this.#rooms.whenLive(rooms);
  }

  override broadcast(packet: unknown, opts: BroadcastOptions): Promise<void> {
    const { rooms } = opts;
    const kept = this.#kept(packet, opts);
    // What nobody here would hear is not encoded: a note may be megabytes.
    const isHeard = rooms.size === 0 || rooms.values().some((room) => this.rooms.has(room));
    const served = isHeard ? super.broadcast(kept, locally(opts)) : Promise.resolve();
    if (!opts.flags?.local && !this.#isOfOneHere(opts)) {
      const data = { packet, opts: toWire(opts) };
      // Not by `publish`: a room's event is no sign of life to those who are not in it.
      this.#send(this.#channelOf(opts), { type: MessageType.BROADCAST, data });
    }
    return served;
  }

  /** What is for nobody here, and for nobody who was here and is away, is nobody's to miss. */
  #kept(packet: unknown, opts: BroadcastOptions): unknown {
    const isKept = this.#rooms.concern(opts.rooms);
    return isKept && this.#options.recovery?.kept(packet, opts) || packet;
  }

  /** Whether the event is for one socket, which is here. */
  #isOfOneHere({ rooms }: BroadcastOptions): boolean {
    const [room] = rooms;
    return rooms.size === 1 && room !== undefined && SOCKET_ID.test(room) && this.sids.has(room);
  }

  override broadcastWithAck(
    packet: unknown,
    opts: BroadcastOptions,
    onClientCount: (count: number) => void,
    onAck: (...args: unknown[]) => void,
  ): void {
    super.broadcastWithAck(packet, locally(opts), onClientCount, onAck);
    if (opts.flags?.local) return;
    const requestId = this.#acks.begin(opts.flags?.timeout ?? 0, { onClientCount, onAck });
    const data = { packet, requestId, opts: toWire(opts) };
    this.publish({ type: MessageType.BROADCAST, data });
  }

  override addSockets(opts: BroadcastOptions, rooms: Room[]): Promise<void> {
    const served = super.addSockets(locally(opts), rooms);
    if (!opts.flags?.local) {
      this.#refresh(rooms);
      this.publish({ type: MessageType.SOCKETS_JOIN, data: { opts: toWire(opts), rooms } });
    }
    return served;
  }

  override delSockets(opts: BroadcastOptions, rooms: Room[]): Promise<void> {
    const served = super.delSockets(locally(opts), rooms);
    if (!opts.flags?.local) {
      this.publish({ type: MessageType.SOCKETS_LEAVE, data: { opts: toWire(opts), rooms } });
    }
    return served;
  }

  override disconnectSockets(opts: BroadcastOptions, close: boolean): Promise<void> {
    const served = super.disconnectSockets(locally(opts), close);
    if (!opts.flags?.local) {
      this.publish({ type: MessageType.DISCONNECT_SOCKETS, data: { opts: toWire(opts), close } });
    }
    return served;
  }

  /**
   * The sockets on all instances.
   *
   * @throws {AppError} `timeout` when an instance does not answer in time: a part is no answer.
   */
  override async fetchSockets(opts: BroadcastOptions): Promise<unknown[]> {
    try {
      return await super.fetchSockets({ ...opts, flags: opts.flags ?? {} });
    } catch (cause) {
      throw new AppError("timeout", "Not every instance answered in time.", { cause });
    }
  }

  /** Other instances learn of a socket its id and rooms, and what of its data is meant for them. */
  async #answerFetch(message: WireMessage<MessageType.FETCH_SOCKETS>): Promise<void> {
    const opts = fromWire(message.data.opts);
    const sockets: { id: SocketId; rooms: Set<Room>; data: unknown }[] = await super.fetchSockets(
      locally(opts),
    );
    this.publishResponse(message.uid, {
      type: MessageType.FETCH_SOCKETS_RESPONSE,
      data: {
        requestId: message.data.requestId,
        sockets: sockets.map(({ id, rooms, data }) => ({
          id,
          handshake: {},
          rooms: [...rooms],
          data: this.#options.visibleData(data) ?? {},
        })),
      },
    });
  }

  #receive(message: unknown): void {
    // `onMessage` of the library takes both, and throws nothing for a type that it does not know.
    if (isClusterMessage(message)) this.onMessage(message);
    else throw new TypeError("Not a message of the cluster");
  }

  override onMessage(message: ClusterMessage): void {
    if (message.type === MessageType.FETCH_SOCKETS && message.uid !== this.uid) {
      this.#answerFetch(message).catch(this.#options.onError);
    } else if (message.type === MessageType.BROADCAST && message.uid !== this.uid) {
      const { packet, opts, requestId } = message.data;
      const kept = requestId ? packet : this.#kept(packet, fromWire(opts as WireOptions));
      super.onMessage({ ...message, data: { ...message.data, packet: kept } } as ClusterMessage);
    } else super.onMessage(message);
  }

  override onResponse(response: ClusterResponse): void {
    if (!this.#acks.take(response)) super.onResponse(response);
  }

  /** To the instances with someone in the room, if it is one room; to all otherwise. */
  #channelOf({ rooms }: BroadcastOptions): string {
    const [room] = rooms;
    if (room === undefined || rooms.size > 1 || SOCKET_ID.test(room)) return this.#base;
    return this.#isFresh(room) ? this.#base : this.#roomChannel(room);
  }

  #isFresh(room: Room): boolean {
    const untilMs = this.#fresh.get(room);
    if (untilMs === undefined) return false;
    if (untilMs > performance.now()) return true;
    this.#fresh.delete(room);
    return false;
  }

  /**
   * Whom we made join elsewhere must not miss what follows, though that instance has yet to listen
   * to the room: for a while it goes where everybody listens, behind the order to join.
   */
  #refresh(rooms: Room[]): void {
    for (const room of rooms) {
      this.#fresh.delete(room);
      this.#fresh.set(room, performance.now() + FRESH_MS);
    }
    const now = performance.now();
    for (const [room, untilMs] of this.#fresh) {
      if (untilMs > now && this.#fresh.size <= MAX_FRESH_ROOMS) break;
      this.#fresh.delete(room);
    }
  }

  #roomChannel(room: Room): string {
    return `${this.#base}room#${room}`;
  }

  #responseChannel(uid: string): string {
    return `${this.#base}answers#${uid}`;
  }

  #send(channel: string, message: object): void {
    this.#options.transport.send(channel, { ...message, uid: this.uid, nsp: this.nsp.name });
  }

  protected override doPublish(message: ClusterMessage): Promise<string> {
    this.#send(this.#base, message);
    return Promise.resolve("");
  }

  protected override doPublishResponse(uid: string, response: ClusterResponse): Promise<void> {
    this.#send(this.#responseChannel(uid), response);
    return Promise.resolve();
  }

  /**
   * The heartbeat is timed here: the library refreshes its timer while that fires, and such a timer
   * can't be cleared in Deno. What is said after the end would start it again.
   */
  override publish(message: Parameters<ClusterAdapterWithHeartbeat["publish"]>[0]): void {
    if (this.#closing.signal.aborted) return;
    clearTimeout(this.#heartbeat);
    this.#heartbeat = setTimeout(
      () => this.publish({ type: MessageType.HEARTBEAT }),
      this.#options.heartbeatMs,
    );
    this.#send(this.#base, message);
  }

  override close(): void {
    if (this.#closing.signal.aborted) return;
    super.close();
    clearTimeout(this.#heartbeat);
    this.#closing.abort();
    this.#acks[Symbol.dispose]();
    for (const listening of this.#own) listening.stop();
    this.#rooms.stop();
  }
}

function locally(opts: BroadcastOptions): BroadcastOptions {
  return { ...opts, flags: { ...opts.flags, local: true } };
}

function isClusterMessage(message: unknown): message is ClusterMessage {
  if (typeof message !== "object" || message === null) return false;
  const { uid, nsp, type } = message as Record<string, unknown>;
  return typeof uid === "string" && typeof nsp === "string" && typeof type === "number";
}
