import { subscribe } from "node:diagnostics_channel";
import { streamClock } from "./shared_clock.ts";

/** What of a connection's handle is used: Node's own names, beneath TLS or without. */
interface Handle {
  reading: boolean;
  readStart(): number;
  readStop(): number;
}

interface Sending {
  socket: { destroyed: boolean; _handle?: Partial<Handle> | null };
}

/** Whose request undici writes at this very moment. */
let claiming: BodySocket | undefined;

// undici tells nobody but its diagnostics over which connection a request goes: in the same turn in
// which it has told the request itself that it starts.
subscribe("undici:client:sendHeaders", (message) => {
  claiming?.take((message as Sending).socket);
  claiming = undefined;
});

/**
 * The connection that a body comes over, and when it is read. undici's own pause keeps the connection
 * reading, and gives a body piece by piece.
 */
export class BodySocket {
  #socket: Sending["socket"] | undefined;
  #wake: (() => void) | undefined;

  /** The request that undici is about to write is this one's. */
  claim(): void {
    claiming = this;
  }

  take(socket: Sending["socket"]): void {
    this.#socket = socket;
  }

  /** Reads nothing before this time of `performance.now()`. */
  rest(untilMs: number): void {
    const handle = this.#handle;
    if (handle === undefined || this.#wake) return;
    handle.reading = false;
    handle.readStop();
    this.#wake = streamClock.at(untilMs, () => this.wake());
  }

  /** Reads on. */
  wake(): void {
    if (this.#wake === undefined) return;
    this.#wake();
    this.#wake = undefined;
    const handle = this.#handle;
    if (handle === undefined || handle.reading) return;
    handle.reading = true;
    handle.readStart();
  }

  get #handle(): Handle | undefined {
    if (this.#socket === undefined || this.#socket.destroyed) return undefined;
    const handle = this.#socket._handle;
    // Whatever else a connection may be is read as it comes.
    return handle?.readStop && handle.readStart ? handle as Handle : undefined;
  }
}
