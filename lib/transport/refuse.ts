import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { STATUS_CODES } from "node:http";
import { Buffer } from "node:buffer";

/** What a client is told that doesn't get in; `code` is engine.io's number, 4 meaning "forbidden". */
interface Answer {
  status: number;
  message: string;
  code?: number;
}

const body = ({ code = 4, message }: Answer) => JSON.stringify({ code, message });

/** Answers an HTTP request in the shape of engine.io's own errors. */
export function refuseRequest(req: IncomingMessage, res: ServerResponse, answer: Answer): void {
  res.writeHead(answer.status, { "Content-Type": "application/json", "Connection": "close" });
  res.end(body(answer));
  req.resume();
}

/** Answers an upgrade, and ends the TCP connection whether or not the client does. */
export function refuseUpgrade(socket: Duplex, answer: Answer): void {
  const text = body(answer);
  socket.on("error", () => socket.destroy());
  socket.end(
    `HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status]}\r\nConnection: close\r\n` +
      `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
    () => socket.destroy(),
  );
}
