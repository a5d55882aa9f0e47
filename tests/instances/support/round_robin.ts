/** A balancer that gives each connection to the next server, whoever it comes from. */
export class RoundRobin implements AsyncDisposable {
  readonly url: string;
  readonly #listener: Deno.TcpListener;
  readonly #open = new Set<Deno.TcpConn>();
  readonly #running = new Set<Promise<void>>();
  #next = 0;

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
      const port = ports[this.#next++ % ports.length];
      if (port !== undefined) this.#own(this.#join(client, port));
    }
  }

  async #join(client: Deno.TcpConn, port: number): Promise<void> {
    this.#open.add(client);
    const server = await Deno.connect({ hostname: "127.0.0.1", port });
    this.#open.add(server);
    await Promise.allSettled([
      client.readable.pipeTo(server.writable),
      server.readable.pipeTo(client.writable),
    ]);
    this.#open.delete(client);
    this.#open.delete(server);
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
