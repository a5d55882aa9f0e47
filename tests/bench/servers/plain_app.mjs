/**
 * The application that the JavaScript peers serve: what anyone would write with plain Socket.IO. It
 * verifies the token, joins the user's room, acknowledges an event, and passes a provider's stream
 * on, a delta at a time.
 */
import { randomUUID } from "node:crypto";
import process from "node:process";
import { jwtVerify } from "jose";

const key = new TextEncoder().encode(process.env.BENCH_SECRET_KEY);
const providerUrl = process.env.BENCH_PROVIDER_URL;

/** @param {string} token */
async function verify(token) {
  const { payload } = await jwtVerify(token, key, { algorithms: ["HS256"] });
  return payload;
}

/** @param {import("socket.io").Server} io */
export function serveSockets(io) {
  io.use((socket, next) => {
    verify(socket.handshake.auth.token).then((user) => {
      socket.data.user = user;
      next();
    }, next);
  });
  io.on("connection", (socket) => {
    socket.join(`user:${socket.data.user.id}`);
    socket.on("heartbeat", (_data, ack) => {
      if (typeof ack === "function") ack({ status: true });
    });
  });
}

/**
 * @param {import("socket.io").Server} io
 * @param {string} userId
 * @param {{ chat_id: string, id: string, model: string, messages: unknown[] }} body
 */
async function stream(io, userId, body) {
  const answer = await fetch(`${providerUrl}/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: body.model, messages: body.messages, stream: true }),
  });
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of answer.body) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = lines.pop();
    for (const line of lines) {
      if (!line.startsWith("data: ")) continue;
      const done = line === "data: [DONE]";
      const data = done ? { done } : { choices: JSON.parse(line.slice(6)).choices };
      io.to(`user:${userId}`).emit("events", {
        chat_id: body.chat_id,
        message_id: body.id,
        data: { type: "chat:completion", data },
      });
    }
  }
}

/**
 * Answers `POST /api/v1/chats/new` and `POST /api/chat/completions`, the latter before it streams.
 *
 * @param {import("socket.io").Server} io
 * @param {{ url: string, authorization: string, body: string }} request
 * @returns {Promise<string | undefined>} the body of the answer
 */
export async function answerRequest(io, { url, authorization, body }) {
  if (url === "/api/v1/chats/new") return JSON.stringify({ id: randomUUID() });
  if (url !== "/api/chat/completions") return undefined;
  const user = await verify(authorization.replace("Bearer ", ""));
  stream(io, user.id, JSON.parse(body)).catch((error) => process.stderr.write(`${error.stack}\n`));
  return JSON.stringify({ status: true, task_ids: [randomUUID()] });
}
