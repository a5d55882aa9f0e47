/** Thousands of sockets, each a person's, of which some leave and come back all the time. */
import { pause } from "../../lib/common/pause.ts";
import { LoadSocket } from "../bench/load/socket.ts";
import type { World } from "./world.ts";

const CONNECTING_AT_ONCE = 32;
/** As socket.io-client waits: a second, half of it by chance, doubled up to five. */
const RECONNECT = { firstMs: 1_000, maxMs: 5_000, chance: 0.5 };

const decoder = new TextDecoder();

export class Crowd implements AsyncDisposable {
  readonly #world: World;
  readonly #sockets: (LoadSocket | undefined)[] = [];
  /** Sockets that the server closed while nobody had asked for it. */
  lost = 0;
  /** How often somebody left and came back. */
  comings = 0;
  /** Called for each answer that a socket hears the end of. */
  onDone: ((person: number, messageId: string) => void) | undefined;
  /** Whether who is lost comes back by themselves. */
  isReturning = false;
  #isOver = false;
  readonly #returns = new Set<Promise<void>>();

  constructor(world: World) {
    this.#world = world;
  }

  get size(): number {
    return this.#sockets.reduce((sum, socket) => sum + (socket ? 1 : 0), 0);
  }

  sidOf(person: number): string | undefined {
    return this.#sockets[person]?.sid;
  }

  async fill(size: number): Promise<void> {
    let next = 0;
    const connectSome = async () => {
      while (next < size) await this.#connect(next++);
    };
    await Promise.all(Array.from({ length: CONNECTING_AT_ONCE }, connectSome));
  }

  /** One leaves, and comes back a moment later. */
  async leaveAndReturn(person: number): Promise<void> {
    const socket = this.#sockets[person];
    if (!socket) return;
    this.#sockets[person] = undefined;
    await socket.close();
    await pause(500);
    if (this.#isOver) return;
    await this.#connect(person);
    this.comings++;
  }

  /** All connections end at once, without a word: the network is gone. */
  cut(): void {
    this.isReturning = true;
    const all = this.#sockets.splice(0);
    all.forEach((socket, person) => {
      void socket?.close();
      this.#return(person);
    });
  }

  async #connect(person: number): Promise<void> {
    this.#sockets[person] = await LoadSocket.connect({
      port: this.#world.port(),
      token: this.#world.people[person]?.token ?? "",
      onPacket: (kind, payload) => kind === "event" && this.#heard(person, payload),
      onLost: () => {
        this.#sockets[person] = undefined;
        this.lost++;
        if (this.isReturning) this.#return(person);
      },
    });
  }

  #return(person: number): void {
    const back = this.#comeBack(person);
    this.#returns.add(back);
    void back.finally(() => this.#returns.delete(back));
  }

  async #comeBack(person: number): Promise<void> {
    for (let waitMs = RECONNECT.firstMs; !this.#isOver; waitMs *= 2) {
      const { maxMs, chance } = RECONNECT;
      await pause(Math.min(maxMs, waitMs * (1 - chance + 2 * chance * Math.random())));
      if (this.#isOver) return;
      try {
        return await this.#connect(person);
      } catch {
        // The server is away, or full for the moment: the next try is later.
      }
    }
  }

  #heard(person: number, payload: Uint8Array): void {
    if (!this.onDone) return;
    const text = decoder.decode(payload);
    if (!text.includes('"done":true')) return;
    const [, event] = JSON.parse(text);
    this.onDone(person, event.message_id ?? "");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#returns);
    await Promise.all(this.#sockets.map((socket) => socket?.close()));
  }
}
