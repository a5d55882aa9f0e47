import {
  createSocketServer,
  type ListenOptions,
  type SocketServer,
  type SocketServerOptions,
} from "../../../lib/transport/socket_server.ts";
import { silentLogger } from "../../../lib/common/logger.ts";

export const PATH = "/ws/socket.io";

export interface TestServer extends AsyncDisposable {
  server: SocketServer;
  port: number;
  url: string;
}

/** A server on a free port, with limits small enough to be reached. */
export async function startServer(
  { onRequest = (_req, res) => void res.end("not socket.io"), ...options }:
    & Partial<SocketServerOptions>
    & Partial<ListenOptions> = {},
): Promise<TestServer> {
  const server = createSocketServer({
    path: PATH,
    transports: "both",
    allowedOrigins: [],
    maxPayloadBytes: 100_000,
    pingIntervalMs: 25_000,
    pingTimeoutMs: 20_000,
    handshakeTimeoutMs: 5_000,
    maxConnections: 2_000,
    maxConnectionsPerAddress: 2_000,
    maxSendBufferBytes: 1_000_000,
    logger: silentLogger,
    ...options,
  });
  const { port } = await server.listen({ host: "127.0.0.1", port: 0, onRequest });
  return {
    server,
    port,
    url: `http://127.0.0.1:${port}`,
    // As soon as all have gone; a slow machine's have gone later, and what they leave is another test's.
    [Symbol.asyncDispose]: () => server.close({ timeoutMs: 3_000 }),
  };
}
