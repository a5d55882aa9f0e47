import { Buffer } from "node:buffer";
import type { ServerResponse } from "node:http";
import type { Socket as NetSocket } from "node:net";

/** What is given to the kernel at a time. Above it an answer leaves as its reader takes it. */
const PIECE_BYTES = 64 * 1024;
/** What all answers may hold that wait to be read. */
const MAX_HELD_BYTES = 256 * 1024 * 1024;

interface Progress {
  takenBytes: number;
  sinceMs: number;
  /** What waits to be read. */
  held?: Uint8Array;
}

export interface AnswerTimeoutOptions {
  /** How long a reader may take nothing. */
  timeoutMs: number;
  /** Default: 256 MiB. Above it the answer ends that has waited longest. */
  maxHeldBytes?: number | undefined;
}

/**
 * Answers under way. One whose reader takes nothing for `timeoutMs` ends: what it holds is freed,
 * and so is its place. An answer that has nothing to send yet is waited for.
 */
export class AnswerTimeout {
  readonly #answers = new Map<NetSocket, Progress>();
  readonly #timeoutMs: number;
  readonly #maxHeldBytes: number;
  /** How many answers hold the same memory, which counts once. */
  readonly #holders = new Map<ArrayBufferLike, number>();
  #heldBytes = 0;
  #isClosed = false;
  readonly #everyMs: number;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Answers that nobody read. */
  expired = 0;

  constructor({ timeoutMs, maxHeldBytes = MAX_HELD_BYTES }: AnswerTimeoutOptions) {
    this.#timeoutMs = timeoutMs;
    this.#maxHeldBytes = maxHeldBytes;
    this.#everyMs = Math.max(10, Math.min(1_000, timeoutMs / 4));
  }

  /** Watches the answer, and lets it leave in pieces. */
  watch(res: ServerResponse, socket: NetSocket): void {
    const progress: Progress = { takenBytes: -1, sinceMs: performance.now() };
    this.#answers.set(socket, progress);
    if (!this.#isClosed) this.#timer ??= setTimeout(this.#sweep, this.#everyMs);
    endInPieces(res, (bytes) => {
      this.#hold(progress, bytes);
      this.#makeRoom();
    });
    res.once("close", () => {
      this.#letGo(progress);
      if (this.#answers.get(socket) === progress) this.#answers.delete(socket);
    });
  }

  #hold(progress: Progress, bytes: Uint8Array): void {
    const holders = this.#holders.get(bytes.buffer) ?? 0;
    this.#holders.set(bytes.buffer, holders + 1);
    if (holders === 0) this.#heldBytes += bytes.length;
    progress.held = bytes;
  }

  #letGo(progress: Progress): void {
    const { held } = progress;
    if (!held) return;
    delete progress.held;
    const left = (this.#holders.get(held.buffer) ?? 1) - 1;
    if (left > 0) return void this.#holders.set(held.buffer, left);
    this.#holders.delete(held.buffer);
    this.#heldBytes -= held.length;
  }

  /** Ends what has waited longest, but for those whose bytes others hold too: that frees nothing. */
  #makeRoom(): void {
    for (const [socket, { held }] of this.#answers) {
      if (this.#heldBytes <= this.#maxHeldBytes) return;
      if (held && this.#holders.get(held.buffer) === 1) this.#end(socket);
    }
  }

  #end(socket: NetSocket): void {
    const progress = this.#answers.get(socket);
    this.#answers.delete(socket);
    if (progress) this.#letGo(progress);
    this.expired++;
    socket.destroy();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  readonly #sweep = () => {
    this.#timer = undefined;
    const now = performance.now();
    for (const [socket, progress] of this.#answers) {
      const takenBytes = socket.bytesWritten - socket.writableLength;
      if (socket.writableLength === 0 || takenBytes !== progress.takenBytes) {
        progress.takenBytes = takenBytes;
        progress.sinceMs = now;
      } else if (now - progress.sinceMs > this.#timeoutMs) {
        this.#end(socket);
      }
    }
    // Only while somebody is answered: an idle server sleeps.
    if (this.#answers.size > 0) this.#timer = setTimeout(this.#sweep, this.#everyMs);
  };
}

/**
 * A body that is given as a whole leaves in pieces, each once the one before was taken. Otherwise
 * each of many readers who read nothing would hold a copy of it, and none could be seen to read.
 */
function endInPieces(res: ServerResponse, hold: (bytes: Uint8Array) => void): void {
  const end = res.end.bind(res) as (...args: unknown[]) => ServerResponse;
  res.end = ((...args: unknown[]) => {
    const [body] = args;
    const isLarge = (typeof body === "string" || body instanceof Uint8Array) &&
      body.length > PIECE_BYTES;
    if (!isLarge) return end(...args);
    const callback = args.find((arg) => typeof arg === "function") as (() => void) | undefined;
    const bytes = typeof body === "string" ? Buffer.from(body) : body;
    hold(bytes);
    void writeInPieces(res, bytes).then(() => end(callback));
    return res;
  }) as typeof res.end;
}

async function writeInPieces(res: ServerResponse, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length && !res.destroyed; at += PIECE_BYTES) {
    if (!res.write(bytes.subarray(at, at + PIECE_BYTES))) await drained(res);
  }
}

function drained(res: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      res.off("drain", done);
      res.off("close", done);
      resolve();
    };
    res.once("drain", done);
    res.once("close", done);
  });
}
