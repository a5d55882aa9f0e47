/** Many load sockets of one server, counted together. */
import type { ServerProcess } from "../measure/server_process.ts";
import { withLimit } from "../measure/with_limit.ts";
import type { OnPacket } from "./socket.ts";
import { LoadSocket } from "./socket.ts";
import type { Tokens } from "./tokens.ts";

/** How many handshakes are under way at once. */
const CONNECTING_AT_ONCE = 16;

interface Goal {
  kind: "event" | "ack";
  count: number;
  resolve(): void;
  reject(thrown: Error): void;
}

export class Crowd implements AsyncDisposable {
  readonly counts = { event: 0, ack: 0 };
  readonly sockets: LoadSocket[] = [];
  /** Looks at each packet on its way to be counted. */
  inspect: ((index: number, ...packet: Parameters<OnPacket>) => void) | undefined;
  #goal: Goal | undefined;
  #lost: string | undefined;

  /** Connects `size` sockets, each as another of the bench's users. */
  static async connect(
    server: ServerProcess,
    tokens: Pick<Tokens, "of">,
    size: number,
  ): Promise<Crowd> {
    const crowd = new Crowd();
    await crowd.grow(server, tokens, size);
    return crowd;
  }

  /** Connects further sockets up to `size`. */
  async grow(server: ServerProcess, tokens: Pick<Tokens, "of">, size: number): Promise<void> {
    let next = this.sockets.length;
    const connectOne = async () => {
      while (next < size) {
        const index = next++;
        this.sockets[index] = await LoadSocket.connect({
          port: server.port,
          token: tokens.of(index),
          onPacket: (kind, payload) => this.#onPacket(index, kind, payload),
          onLost: (why) => this.#fail(`${server.peer.id} closed socket ${index}: ${why}`),
        });
      }
    };
    await Promise.all(Array.from({ length: CONNECTING_AT_ONCE }, connectOne));
  }

  /** Throws when the server has closed one of the sockets. */
  assertWhole(): void {
    if (this.#lost !== undefined) throw new Error(this.#lost);
  }

  /** Resolves when `more` further packets of the kind have come; throws when a socket is lost. */
  async expect(kind: "event" | "ack", more: number, limitMs = 60_000): Promise<void> {
    const count = this.counts[kind] + more;
    const reached = new Promise<void>((resolve, reject) => {
      this.#goal = { kind, count, resolve, reject };
      if (this.#lost !== undefined) reject(new Error(this.#lost));
    });
    await withLimit(reached, limitMs, () => `${this.counts[kind]} of ${count} ${kind}s`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.sockets.splice(0).map((socket) => socket.close()));
  }

  #onPacket(index: number, kind: "event" | "ack", payload: Uint8Array): void {
    this.inspect?.(index, kind, payload);
    this.counts[kind]++;
    if (this.#goal?.kind === kind && this.counts[kind] >= this.#goal.count) {
      this.#goal.resolve();
      this.#goal = undefined;
    }
  }

  #fail(why: string): void {
    this.#lost ??= why;
    this.#goal?.reject(new Error(why));
  }
}
