/** A Socket.IO client for load: Engine.IO v4 and Socket.IO v5 on a plain TCP connection, by hand. */
import { clientFrame, FrameReader, OPCODE } from "./frames.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

const PONG = clientFrame("3");
const CLOSE = clientFrame("", OPCODE.close);
const HEADER_END = "\r\n\r\n";
const CHAR = {
  ping: 0x32,
  message: 0x34,
  connect: 0x30,
  event: 0x32,
  ack: 0x33,
  error: 0x34,
  binaryEvent: 0x35,
};
/** `451-`: an event with one attachment. */
const BINARY_HEADER_LENGTH = 4;

/**
 * Given the JSON text of an event or the whole text of an ack, and the attachment, if there is one;
 * not decoded unless read.
 */
export type OnPacket = (
  kind: "event" | "ack",
  payload: Uint8Array,
  attachment?: Uint8Array,
) => void;

export interface SocketOptions {
  port: number;
  /** The JWT of the handshake's `auth.token`. */
  token: string;
  onPacket: OnPacket;
  /** What is read at once. Default: 4,096, since thousands of idle sockets each hold one. */
  bufferBytes?: number | undefined;
  /** Called once when the server ends the connection, never after `close()`. */
  onLost(why: string): void;
}

/** One connected socket. */
export class LoadSocket {
  readonly sid: string;
  readonly #connection: Deno.TcpConn;
  readonly #reading: Promise<void>;
  #closing = false;

  private constructor(
    sid: string,
    connection: Deno.TcpConn,
    read: (ended: () => boolean) => Promise<void>,
  ) {
    this.sid = sid;
    this.#connection = connection;
    this.#reading = read(() => this.#closing);
  }

  /** Connects, upgrades, joins the namespace with the token; throws when the server refuses. */
  static async connect(options: SocketOptions): Promise<LoadSocket> {
    const { port, token, onPacket, onLost, bufferBytes = 4096 } = options;
    const connection = await Deno.connect({ hostname: "127.0.0.1", port });
    connection.setNoDelay(true);
    const buffer = new Uint8Array(bufferBytes);
    let open = false;
    let sid = "";
    let refusal = "";
    /** The text of an event whose attachment is the next frame. */
    let awaited: Uint8Array | undefined;

    const reader = new FrameReader((opcode, payload) => {
      if (opcode === OPCODE.close) refusal ||= `close frame ${closeText(payload)}`;
      if (opcode === OPCODE.ping) {
        return void send(connection, clientFrame(payload, OPCODE.pong)).catch(
          () => {},
        );
      }
      if (opcode === OPCODE.binary && awaited !== undefined) {
        const text = awaited;
        awaited = undefined;
        return onPacket("event", text, payload);
      }
      if (opcode !== OPCODE.text) return;
      if (payload[0] === CHAR.ping) return void send(connection, PONG).catch(() => {});
      open = true;
      if (payload[0] !== CHAR.message) return;
      if (payload[1] === CHAR.event) onPacket("event", payload.subarray(2));
      else if (payload[1] === CHAR.binaryEvent) awaited = payload.slice(BINARY_HEADER_LENGTH);
      else if (payload[1] === CHAR.ack) onPacket("ack", payload.subarray(2));
      else if (payload[1] === CHAR.connect) {
        sid = JSON.parse(decoder.decode(payload.subarray(2))).sid;
      } else if (payload[1] === CHAR.error) refusal = decoder.decode(payload);
    });
    const next = async () => {
      const count = await connection.read(buffer);
      if (count === null) return false;
      reader.push(buffer.subarray(0, count));
      return true;
    };

    try {
      await send(connection, upgradeRequest(port));
      reader.push(await readUpgradeAnswer(connection, buffer));
      const until = async (condition: () => boolean) => {
        while (!condition()) {
          if (refusal !== "") throw new Error(`Cannot connect: ${refusal}`);
          if (!await next()) throw new Error("Cannot connect: the server closed the connection");
        }
      };
      // As every client: the handshake of the engine comes first, and then the namespace's.
      await until(() => open);
      await send(connection, clientFrame(`40${JSON.stringify({ token })}`));
      await until(() => sid !== "");
    } catch (thrown) {
      connection.close();
      throw thrown;
    }

    return new LoadSocket(sid, connection, async (closing) => {
      let why = "end of stream";
      try {
        while (await next());
      } catch (thrown) {
        why = String(thrown);
      }
      if (!closing()) onLost(refusal || why);
    });
  }

  /** Sends a frame that {@linkcode clientFrame} made: made once, sent many times. */
  send(frame: Uint8Array): Promise<void> {
    return send(this.#connection, frame);
  }

  async close(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    await send(this.#connection, CLOSE).catch(() => {});
    try {
      this.#connection.close();
    } catch {
      // The server was faster.
    }
    await this.#reading;
  }
}

async function send(connection: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  let at = 0;
  while (at < bytes.length) at += await connection.write(at === 0 ? bytes : bytes.subarray(at));
}

function upgradeRequest(port: number): Uint8Array {
  return encoder.encode(
    [
      "GET /ws/socket.io/?EIO=4&transport=websocket HTTP/1.1",
      `Host: 127.0.0.1:${port}`,
      "Upgrade: websocket",
      "Connection: Upgrade",
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
      "Sec-WebSocket-Version: 13",
    ].join("\r\n") + HEADER_END,
  );
}

/** Reads up to the end of the 101 answer; returns the bytes behind it. */
async function readUpgradeAnswer(
  connection: Deno.TcpConn,
  buffer: Uint8Array,
): Promise<Uint8Array> {
  let answer: Uint8Array = new Uint8Array(0);
  while (true) {
    const count = await connection.read(buffer);
    if (count === null) throw new Error("Cannot upgrade: the server closed the connection");
    const joined: Uint8Array = new Uint8Array(answer.length + count);
    joined.set(answer);
    joined.set(buffer.subarray(0, count), answer.length);
    answer = joined;
    // The header is ASCII, so that an index in the text is one in the bytes.
    const text = decoder.decode(answer);
    const end = text.indexOf(HEADER_END);
    if (end === -1) continue;
    if (!text.startsWith("HTTP/1.1 101")) {
      throw new Error(`Cannot upgrade: ${text.split("\r\n")[0]}`);
    }
    return answer.slice(end + HEADER_END.length);
  }
}

/** The code of a close frame and its reason. */
function closeText(payload: Uint8Array): string {
  const code = ((payload[0] ?? 0) << 8) | (payload[1] ?? 0);
  return `${code} ${decoder.decode(payload.subarray(2))}`.trim();
}
