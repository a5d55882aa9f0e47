import type { Namespace, ServerOptions } from "socket.io";
import { errorText } from "../common/errors.ts";
import type { Logger } from "../common/logger.ts";
import { settledWithin } from "../common/deadline.ts";
import type { Listening } from "../bus/bus.ts";
import type { ReliableTransport, TransportStats } from "../bus/reliable_transport.ts";
import { BusRequests } from "./bus_requests.ts";
import { RoomAdapter, type VisibleData } from "./room_adapter.ts";
import { SessionRecovery, type SessionRecoveryOptions } from "./session_recovery.ts";

/** Channels are subscribed again in bunches; within this time they are one gap. */
const GAP_SETTLES_MS = 50;

export interface ClusterOptions {
  transport: ReliableTransport;
  logger: Logger;
  /** The name under which other instances address this one. Default: a new UUID. */
  instanceId?: string;
  /** What of a socket's data other instances may see in `fetchSockets`. Default: all of it. */
  visibleData?: VisibleData;
  /** Default: 5,000. */
  heartbeatMs?: number;
  /** After how long a silent instance counts as gone. Default: 10,000. */
  heartbeatTimeoutMs?: number;
  /** How long `socket.join` waits for the bus at most. Default: 1,000. */
  joinTimeoutMs?: number;
  /** Where else a room's events come from, another system's channel. Default: nowhere. */
  alsoListen?: (room: string) => Listening;
  /** Keeps what those miss who lose their connection for a short time. Default: nobody does. */
  recovery?: Omit<SessionRecoveryOptions, "instances" | "logger">;
}

export interface ClusterStats extends TransportStats {
  instances: number;
  gaps: number;
}

/** Many instances as one service: the adapter for Socket.IO, and a way to ask one instance. */
export interface Cluster extends Disposable {
  /** For `new Server({adapter})`. */
  readonly adapter: NonNullable<ServerOptions["adapter"]>;
  readonly instances: BusRequests;
  readonly recovery: SessionRecovery | undefined;
  /** Waits until this instance hears the others, at most so long; says whether it does. */
  ready(timeoutMs: number): Promise<boolean>;
  /** Calls the listener when the bus was lost and is back, and events may have been missed: once a gap. */
  onGap(listener: () => void): void;
  stats(): Promise<ClusterStats>;
}

/** Joins the cluster. The transport is the caller's, and is closed after the cluster. */
export function joinCluster(options: ClusterOptions): Cluster {
  const { transport, logger } = options;
  const instances = new BusRequests({ transport, instanceId: options.instanceId, logger });
  const recovery = options.recovery &&
    new SessionRecovery({ ...options.recovery, instances, logger });
  const adapters = new Set<RoomAdapter>();
  const listeners: (() => void)[] = [];
  let gaps = 0;
  let telling: ReturnType<typeof setTimeout> | undefined;

  /** Each channel tells of the same gap. */
  function onGap(): void {
    if (telling !== undefined) return;
    gaps++;
    telling = setTimeout(() => {
      telling = undefined;
      logger.warn("cluster: events of other instances may have been missed", {
        bus: transport.busName,
      });
      for (const listener of listeners) listener();
    }, GAP_SETTLES_MS);
  }

  // Socket.IO calls it with `new`.
  function adapter(nsp: Namespace): RoomAdapter {
    const made = new RoomAdapter(nsp, {
      transport,
      visibleData: options.visibleData ?? ((data) => data),
      heartbeatMs: options.heartbeatMs ?? 5_000,
      heartbeatTimeoutMs: options.heartbeatTimeoutMs ?? 10_000,
      joinTimeoutMs: options.joinTimeoutMs ?? 1_000,
      alsoListen: options.alsoListen,
      recovery,
      onGap,
      onError: (error) =>
        logger.error("cluster: another instance gets no answer", { error: errorText(error) }),
    });
    adapters.add(made);
    return made;
  }

  return {
    // Socket.IO's type wants a class; a function that is called with `new` does as well.
    adapter: adapter as unknown as Cluster["adapter"],
    instances,
    recovery,
    onGap: (listener) => void listeners.push(listener),
    ready: (timeoutMs) =>
      settledWithin(
        Promise.all([instances.live(), ...[...adapters].map((made) => made.live())]),
        timeoutMs,
      ),
    async stats() {
      const counts = await Promise.all([...adapters].map((made) => made.serverCount()));
      return { ...transport.stats(), instances: Math.max(1, ...counts), gaps };
    },
    [Symbol.dispose]() {
      clearTimeout(telling);
      recovery?.[Symbol.dispose]();
      instances[Symbol.dispose]();
      for (const made of adapters) made.close();
    },
  };
}
