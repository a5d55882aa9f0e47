/** A balancer that gives each connection to the next server that takes it, whoever it comes from. */
export class RoundRobin implements AsyncDisposable {
  readonly url: string;
  readonly #listener: Deno.TcpListener;
  readonly #open = new Set<Deno.TcpConn>();
  readonly #running = new Set<Promise<void>>();
  #next = 0;

  /** @param ports Read for each connection: servers may come and go. */
  constructor(ports: readonly number[]) {
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.url = `http://127.0.0.1:${this.#listener.addr.port}`;
    this.#own(this.#accept(ports));
  }

  #own(work: Promise<void>): void {
    const owned = work.catch(() => {}).finally(() => this.#running.delete(owned));
    this.#running.add(owned);
  }

  async #accept(ports: readonly number[]): Promise<void> {
    for await (const client of this.#listener) {
      this.#own(this.#join(client, ports));
    }
  }

  async #join(client: Deno.TcpConn, ports: readonly number[]): Promise<void> {
    this.#open.add(client);
    const server = await this.#connect(ports);
    if (!server) {
      this.#open.delete(client);
      return client.close();
    }
    this.#open.add(server);
    await Promise.allSettled([
      client.readable.pipeTo(server.writable),
      server.readable.pipeTo(client.writable),
    ]);
    this.#open.delete(client);
    this.#open.delete(server);
  }

  async #connect(ports: readonly number[]): Promise<Deno.TcpConn | undefined> {
    for (let attempt = 0; attempt < ports.length; attempt++) {
      const port = ports[this.#next++ % ports.length];
      try {
        if (port !== undefined) return await Deno.connect({ hostname: "127.0.0.1", port });
      } catch {
        // That server is gone: the next one.
      }
    }
    return undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const connection of this.#open) {
      try {
        connection.close();
      } catch {
        // Its stream has closed it.
      }
    }
    while (this.#running.size > 0) await Promise.all(this.#running);
  }
}
