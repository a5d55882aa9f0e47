import { Buffer } from "node:buffer";
import { until } from "../../support/until.ts";
import { PATH } from "./server.ts";

export interface FrameOptions {
  opcode?: number;
  fin?: boolean;
  masked?: boolean;
  reserved?: number;
}

/** A client frame as RFC 6455 has it, or wrong in the ways asked for. The mask is zero: the payload stays readable. */
export function frame(payload: string | Uint8Array, options: FrameOptions = {}): Buffer {
  const { opcode = 1, fin = true, masked = true, reserved = 0 } = options;
  const data = Buffer.from(payload as string);
  const header = Buffer.alloc(14);
  header[0] = (fin ? 0x80 : 0) | reserved << 4 | opcode;
  const mask = masked ? 0x80 : 0;
  let length = 2;
  if (data.length < 126) {
    header[1] = mask | data.length;
  } else if (data.length < 65_536) {
    header[1] = mask | 126;
    header.writeUInt16BE(data.length, 2);
    length = 4;
  } else {
    header[1] = mask | 127;
    header.writeBigUInt64BE(BigInt(data.length), 2);
    length = 10;
  }
  return Buffer.concat([header.subarray(0, length + (masked ? 4 : 0)), data]);
}

/** A client that writes its own bytes, and reads only when it is told to. */
export class WireClient implements AsyncDisposable {
  readonly #conn: Deno.TcpConn;
  #reading: Promise<void> | undefined;
  #input = Buffer.alloc(0);
  /** What came before the first frame. */
  head = "";
  readonly texts: string[] = [];
  readonly binaries: Buffer[] = [];
  closeCode: number | undefined;
  /** The server has ended the TCP connection. */
  ended = false;
  isPaused = false;
  #pauseWhen: ((texts: readonly string[]) => boolean) | undefined;
  #resume: (() => void) | undefined;

  constructor(conn: Deno.TcpConn) {
    this.#conn = conn;
  }

  static async connect(port: number): Promise<WireClient> {
    return new WireClient(await Deno.connect({ hostname: "127.0.0.1", port }));
  }

  /** Opens a WebSocket and, unless told not to, signs in to the namespace. */
  static async open(
    port: number,
    { signIn = true, headers = {} as Record<string, string> } = {},
  ): Promise<WireClient> {
    const client = await WireClient.connect(port);
    await client.upgrade({ headers });
    await client.until(() => client.texts.some((text) => text.startsWith("0")), "the handshake");
    if (signIn) {
      await client.send("40");
      await client.until(() => client.texts.some((text) => text.startsWith("40")), "the namespace");
    }
    return client;
  }

  async upgrade({ headers = {} as Record<string, string>, path = `${PATH}/` } = {}): Promise<void> {
    const lines = Object.entries({
      Host: "127.0.0.1",
      Connection: "Upgrade",
      Upgrade: "websocket",
      "Sec-WebSocket-Version": "13",
      "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
      ...headers,
    }).map(([name, value]) => `${name}: ${value}\r\n`);
    const target = path.includes("?") ? path : `${path}?EIO=4&transport=websocket`;
    await this.write(`GET ${target} HTTP/1.1\r\n${lines.join("")}\r\n`);
    this.read();
  }

  /** Writes bytes; false when the server has ended the connection. */
  async write(bytes: string | Uint8Array): Promise<boolean> {
    const data = typeof bytes === "string" ? Buffer.from(bytes) : bytes;
    try {
      for (let at = 0; at < data.length;) at += await this.#conn.write(data.subarray(at));
      return true;
    } catch {
      this.ended = true;
      return false;
    }
  }

  send(text: string, options?: FrameOptions): Promise<boolean> {
    return this.write(frame(text, options));
  }

  /** Starts to read, until the connection ends. */
  read(): void {
    this.#reading ??= this.#readAll();
  }

  /** Stops reading as soon as the texts so far satisfy the condition. */
  pauseAfter(condition: (texts: readonly string[]) => boolean): void {
    this.#pauseWhen = condition;
  }

  resume(): void {
    this.#pauseWhen = undefined;
    this.isPaused = false;
    this.#resume?.();
  }

  until(condition: () => unknown, what: string, limitMs = 30_000): Promise<unknown> {
    return until(condition, { what, limitMs });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.resume();
    try {
      this.#conn.close();
    } catch { /* ended before */ }
    await this.#reading;
  }

  async #readAll(): Promise<void> {
    const chunk = new Uint8Array(262_144);
    try {
      while (true) {
        const count = await this.#conn.read(chunk);
        if (count === null) break;
        this.#input = Buffer.concat([this.#input, chunk.subarray(0, count)]);
        this.#parse();
        if (!this.#pauseWhen?.(this.texts)) continue;
        this.isPaused = true;
        await new Promise<void>((resolve) => this.#resume = resolve);
      }
    } catch { /* reset */ }
    this.ended = true;
  }

  #parse(): void {
    if (this.head === "") {
      const end = this.#input.indexOf("\r\n\r\n");
      if (end < 0) return;
      this.head = this.#input.subarray(0, end).toString();
      this.#input = this.#input.subarray(end + 4);
    }
    if (!this.head.startsWith("HTTP/1.1 101")) return;
    while (this.#input.length >= 2) {
      const [first = 0, second = 0] = this.#input;
      let length = second & 0x7f, at = 2;
      if (length === 126) {
        if (this.#input.length < 4) return;
        length = this.#input.readUInt16BE(2);
        at = 4;
      } else if (length === 127) {
        if (this.#input.length < 10) return;
        length = Number(this.#input.readBigUInt64BE(2));
        at = 10;
      }
      if (this.#input.length < at + length) return;
      const payload = this.#input.subarray(at, at + length);
      const opcode = first & 0x0f;
      if (opcode === 1) this.texts.push(payload.toString());
      else if (opcode === 2) this.binaries.push(Buffer.from(payload));
      else if (opcode === 8) this.closeCode = length < 2 ? 1005 : payload.readUInt16BE(0);
      this.#input = this.#input.subarray(at + length);
    }
  }

  /** The body of an HTTP answer that wasn't an upgrade. */
  get body(): string {
    return this.#input.toString();
  }
}
