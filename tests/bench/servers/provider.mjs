/**
 * The model provider's stand-in: any number of streams in OpenAI's shape, each at the same pace, all
 * of them out of step, so that they don't arrive as one.
 */
import { createServer } from "node:http";
import process from "node:process";

const TOKENS_A_SECOND = Number(process.env.BENCH_TOKENS_A_SECOND);
const TOKENS = Number(process.env.BENCH_TOKENS);
const PHASES = 5;

/** Eight characters, so that a reader can count tokens by length. */
const token = (number) => ` t${String(number).padStart(6, "0")}`;

function chunk(delta, finishReason = null) {
  const choices = [{ index: 0, delta, finish_reason: finishReason }];
  const body = {
    id: "chatcmpl-bench",
    object: "chat.completion.chunk",
    created: 0,
    model: "bench",
  };
  return `data: ${JSON.stringify({ ...body, choices })}\n\n`;
}

/** @type {Set<{ response: import("node:http").ServerResponse, sent: number }>[]} */
const phases = Array.from({ length: PHASES }, () => new Set());
let started = 0;
let phase = 0;

setInterval(() => {
  const streams = phases[phase++ % PHASES];
  for (const stream of streams) {
    if (stream.sent < TOKENS) {
      stream.response.write(chunk({ content: token(stream.sent++) }));
    } else {
      streams.delete(stream);
      stream.response.end(chunk({}, "stop") + "data: [DONE]\n\n");
    }
  }
}, 1000 / TOKENS_A_SECOND / PHASES);

const server = createServer((request, response) => {
  request.resume();
  if (request.url.endsWith("/models")) {
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ object: "list", data: [{ id: "bench", object: "model" }] }));
    return;
  }
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.flushHeaders();
  const stream = { response, sent: 0 };
  const streams = phases[started++ % PHASES];
  streams.add(stream);
  response.on("close", () => streams.delete(stream));
});

server.listen(0, "127.0.0.1", () => {
  const { port } = server.address();
  process.stdout.write(JSON.stringify({ ready: { port } }) + "\n");
});
process.stdin.resume().on("end", () => process.exit());
