import type { RealtimeServer, RealtimeSocket } from "./session.ts";

/** An event for rooms, or for all, from outside this project's own instances. */
interface Emitted {
  event: string;
  args: unknown[];
  rooms: string[] | undefined;
  except: string[];
}

export interface BridgedSocketsOptions {
  io: RealtimeServer;
  /** Passes before an event is delivered: for what follows from it here. */
  onEmit(message: Emitted): void;
  /** A local socket was moved into a room or out of it, or its room was closed. */
  onMoved(socket: RealtimeSocket, room: string, isIn: boolean): void;
}

/** What another system's orders do to the sockets of this instance, and to no other's. */
export class BridgedSockets {
  readonly #options: BridgedSocketsOptions;

  constructor(options: BridgedSocketsOptions) {
    this.#options = options;
  }

  emit(message: Emitted): void {
    const { io, onEmit } = this.#options;
    onEmit(message);
    const { event, args, rooms, except } = message;
    const target = rooms === undefined ? io.local : io.local.to(rooms);
    // The names of Open WebUI's events are its own, and pass unread.
    (target.except(except).emit as (event: string, ...args: unknown[]) => boolean)(event, ...args);
  }

  /** Only for the socket with the id that the call names; its answer comes once, or never. */
  call(
    { event, args, callback: { sid } }: Emitted & { callback: { sid: string } },
    answered: (args: unknown[]) => void,
  ): void {
    const socket = this.#socket(sid);
    if (!socket) return;
    const emit = socket.emit as (event: string, ...args: unknown[]) => boolean;
    emit.call(socket, event, ...args, (...answer: unknown[]) => answered(answer));
  }

  move({ method, sid, room }: { method: string; sid: string; room: string }): void {
    const socket = this.#socket(sid);
    if (!socket) return;
    const isIn = method === "enter_room";
    if (isIn) void socket.join(room);
    else void socket.leave(room);
    this.#options.onMoved(socket, room, isIn);
  }

  disconnect({ sid }: { sid: string }): void {
    this.#socket(sid)?.disconnect(true);
  }

  close({ room }: { room: string }): void {
    for (const sid of [...this.#options.io.sockets.adapter.rooms.get(room) ?? []]) {
      this.move({ method: "leave_room", sid, room });
    }
  }

  #socket(sid: string): RealtimeSocket | undefined {
    return this.#options.io.sockets.sockets.get(sid);
  }
}
