/** Plain Socket.IO over node:http, on Node and on Deno. */
import { createServer } from "node:http";
import { Server } from "socket.io";
import { obey } from "./control.mjs";
import { answerRequest, serveSockets } from "./plain_app.mjs";

const http = createServer(async (request, response) => {
  let body = "";
  for await (const bytes of request) body += bytes;
  const { url, headers } = request;
  const answer = await answerRequest(io, { url, authorization: headers.authorization ?? "", body });
  response.writeHead(answer === undefined ? 404 : 200, { "content-type": "application/json" });
  response.end(answer);
});
const io = new Server(http, {
  path: "/ws/socket.io",
  transports: ["websocket"],
  serveClient: false,
  maxHttpBufferSize: 10_000_000,
});
serveSockets(io);

http.listen(0, "127.0.0.1", async () => {
  await obey({
    io,
    port: http.address().port,
    collectGarbage: () => globalThis.gc(),
    signedIn: () => io.of("/").sockets.size,
  });
  io.close();
});
