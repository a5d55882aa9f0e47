/** A way between a client and a server on loopback that can be slow, cut, or silent. */
export class TcpProxy implements AsyncDisposable {
  readonly port: number;
  /** Where connections lead that come in from now on. */
  targetPort: number;
  /** How late each piece of the server's answer arrives, in milliseconds. */
  delayMs = 0;
  /** How many connections came in since the start. */
  accepted = 0;
  readonly #listener: Deno.TcpListener;
  readonly #open = new Set<Deno.TcpConn>();
  readonly #running = new Set<Promise<void>>();
  readonly #timers = new Map<ReturnType<typeof setTimeout>, () => void>();
  #cut = false;

  constructor(targetPort: number) {
    this.targetPort = targetPort;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.port = this.#listener.addr.port;
    this.#own(this.#accept());
  }

  /** Ends all connections and refuses new ones. */
  cut(): void {
    this.#cut = true;
    for (const connection of this.#open) close(connection);
  }

  heal(): void {
    this.#cut = false;
  }

  #own(work: Promise<void>): void {
    const owned = work.catch(() => {}).finally(() => this.#running.delete(owned));
    this.#running.add(owned);
  }

  async #accept(): Promise<void> {
    for await (const client of this.#listener) {
      this.accepted++;
      if (this.#cut) close(client);
      else this.#own(this.#join(client));
    }
  }

  async #join(client: Deno.TcpConn): Promise<void> {
    this.#open.add(client);
    let server: Deno.TcpConn | undefined;
    try {
      server = await Deno.connect({ hostname: "127.0.0.1", port: this.targetPort });
      this.#open.add(server);
      await Promise.race([this.#carry(client, server, false), this.#carry(server, client, true)]);
    } finally {
      for (const side of [client, server]) {
        if (side === undefined) continue;
        this.#open.delete(side);
        close(side);
      }
    }
  }

  async #carry(from: Deno.TcpConn, to: Deno.TcpConn, delayed: boolean): Promise<void> {
    const buffer = new Uint8Array(65_536);
    for (;;) {
      const length = await from.read(buffer);
      if (length === null) return;
      if (delayed && this.delayMs > 0) await this.#wait(this.delayMs);
      for (let at = 0; at < length;) at += await to.write(buffer.subarray(at, length));
    }
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        resolve();
      }, ms);
      this.#timers.set(timer, resolve);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    this.cut();
    for (const [timer, resolve] of this.#timers) {
      clearTimeout(timer);
      resolve();
    }
    while (this.#running.size > 0) await Promise.all(this.#running);
  }
}

function close(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch {
    // It is closed already.
  }
}
