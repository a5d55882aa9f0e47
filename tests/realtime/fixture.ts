import { io as connectClient, type Socket } from "socket.io-client";
import type { RealtimeServer } from "../../lib/realtime/session.ts";
import { PATH, startServer } from "../transport/support/server.ts";
import { until } from "../support/until.ts";

export interface RealtimeFixture extends AsyncDisposable {
  io: RealtimeServer;
  /** A client of the official library; it has connected when the promise resolves, and may be out again. */
  connect(auth?: object): Promise<Socket>;
}

/** A Socket.IO server on a free port, without sessions: those are the test's. */
export async function startRealtime(
  setUp: (io: RealtimeServer) => void,
): Promise<RealtimeFixture> {
  const started = await startServer({ transports: "websocket" });
  const io = started.server.io as unknown as RealtimeServer;
  const clients: Socket[] = [];
  setUp(io);
  return {
    io,
    async connect(auth = {}) {
      const client = connectClient(started.url, {
        path: PATH,
        transports: ["websocket"],
        reconnection: false,
        forceNew: true,
        auth,
      });
      clients.push(client);
      let hasConnected = false;
      client.once("connect", () => hasConnected = true);
      await until(() => hasConnected, { what: "the client to connect" });
      return client;
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.disconnect();
      await started[Symbol.asyncDispose]();
    },
  };
}
