import { Server, type Socket } from "socket.io";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { io as connect, type Socket as Client } from "socket.io-client";
import type { Bus } from "../../../lib/bus/bus.ts";
import { ReliableTransport, type TransportOptions } from "../../../lib/bus/reliable_transport.ts";
import { type Cluster, type ClusterOptions, joinCluster } from "../../../lib/cluster/cluster.ts";
import { silentLogger } from "../../../lib/common/logger.ts";
import { until } from "../../support/until.ts";

/** How often the instances tell each other that they live. */
export const HEARTBEAT_MS = 500;

export type OpenBus = () => Promise<Bus>;

/** An instance: a Socket.IO server with an adapter and a bus of its own. */
export interface Instance extends AsyncDisposable {
  readonly io: Server;
  readonly cluster: Cluster;
  readonly bus: Bus;
  /** Connects a client, and puts its socket into the rooms. */
  join(...rooms: string[]): Promise<Member>;
}

export interface Member {
  readonly client: Client;
  readonly socket: Socket;
  readonly sid: string;
  /** What the event `said` has carried so far. */
  readonly heard: unknown[];
}

export type InstanceOptions = Partial<ClusterOptions> & Partial<TransportOptions> & {
  onGap?: () => void;
};

export async function startInstance(
  openBus: OpenBus,
  { onGap = () => {}, ...options }: InstanceOptions = {},
): Promise<Instance> {
  const bus = await openBus();
  const transport = new ReliableTransport({ logger: silentLogger, ...options, bus });
  const cluster = joinCluster({
    logger: silentLogger,
    heartbeatMs: HEARTBEAT_MS,
    ...options,
    transport,
  });
  cluster.onGap(onGap);
  const http = createServer();
  const io = new Server(http, {
    adapter: cluster.adapter,
    transports: ["websocket"],
    maxHttpBufferSize: 1e8,
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const { port } = http.address() as AddressInfo;
  const clients: Client[] = [];
  await until(() => cluster.ready(1_000), { what: "the bus" });
  return {
    io,
    cluster,
    bus,
    async join(...rooms) {
      const client = connect(`http://127.0.0.1:${port}`, {
        transports: ["websocket"],
        forceNew: true,
        reconnection: false,
        auth: { token: "secret" },
      });
      clients.push(client);
      const heard: unknown[] = [];
      client.on("said", (what) => heard.push(what));
      client.on("asked", (what, answer) => answer({ from: client.id, what }));
      await new Promise<void>((resolve, reject) => {
        client.once("connect", resolve);
        client.once("connect_error", reject);
      });
      const sid = client.id ?? "";
      const socket = await until(() => io.sockets.sockets.get(sid), { what: "the socket" });
      await socket.join(rooms);
      return { client, socket, sid, heard };
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.disconnect();
      await io.close();
      cluster[Symbol.dispose]();
      await transport[Symbol.asyncDispose]();
      await bus[Symbol.asyncDispose]();
    },
  };
}

/** Instances that know each other. */
export async function startInstances(
  openBus: OpenBus,
  count: number,
  options: InstanceOptions = {},
): Promise<Instance[] & AsyncDisposable> {
  const started = await Promise.all(
    Array.from({ length: count }, () => startInstance(openBus, options)),
  );
  await until(
    async () => {
      const stats = await Promise.all(started.map(({ cluster }) => cluster.stats()));
      return stats.every(({ instances }) => instances === count);
    },
    { what: "the instances to meet" },
  );
  return Object.assign(started, {
    async [Symbol.asyncDispose]() {
      await Promise.all(started.map((instance) => instance[Symbol.asyncDispose]()));
    },
  });
}

/** The first so many, as a tuple of them. */
export function take2(all: Instance[]): [Instance, Instance] {
  const [a, b] = all;
  if (a === undefined || b === undefined) throw new Error("Fewer than two instances");
  return [a, b];
}
