/** Somebody who uses Open WebUI: its HTTP API, and a tab with the client that its pages use. */
import { io, type Socket } from "socket.io-client";
import { until } from "../../support/until.ts";

export type Json = Record<string, unknown>;

/** An event as a tab heard it. */
export interface Heard {
  event: string;
  // Open WebUI's payloads are looked at by the checks alone.
  // deno-lint-ignore no-explicit-any
  data: any;
}

export interface Tab extends Disposable {
  readonly socket: Socket;
  readonly sid: string;
  readonly heard: Heard[];
  /** Of one event, those with this type within. */
  of(event: string, type?: string): Heard[];
}

export class Person {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly token: string;
  readonly #url: string;

  constructor(
    url: string,
    { id, name, email, token }: Pick<Person, "id" | "name" | "email" | "token">,
  ) {
    this.#url = url;
    this.id = id;
    this.name = name;
    this.email = email;
    this.token = token;
  }

  /** Asks the API; throws what it refuses. `base`: one process in place of the proxy. */
  async api<T = Json>(method: string, path: string, body?: unknown, base = this.#url): Promise<T> {
    const answer = await fetch(base + path, {
      method,
      headers: {
        authorization: `Bearer ${this.token}`,
        ...(body !== undefined && { "content-type": "application/json" }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text.slice(0, 500)}`);
    return text === "" ? undefined as T : JSON.parse(text);
  }

  /** Opens a tab as Open WebUI's page does, and joins. */
  async tab(options: { joins?: boolean } = {}): Promise<Tab> {
    const socket = io(this.#url, {
      path: "/ws/socket.io",
      transports: ["websocket"],
      auth: { token: this.token },
      reconnectionDelay: 100,
      reconnectionDelayMax: 500,
      randomizationFactor: 0.5,
      forceNew: true,
    });
    const heard: Heard[] = [];
    socket.onAny((event, data) => void heard.push({ event, data }));
    await until(() => socket.connected, { what: "the tab's connection", limitMs: 15_000 });
    if (options.joins !== false) {
      const joined = await socket.timeout(10_000).emitWithAck("user-join", {
        auth: { token: this.token },
      });
      if (joined?.id !== this.id) throw new Error(`not joined: ${JSON.stringify(joined)}`);
    }
    return {
      socket,
      sid: socket.id ?? "",
      heard,
      of: (event, type) =>
        heard.filter((one) => one.event === event && (!type || one.data?.data?.type === type)),
      [Symbol.dispose]: () => void socket.disconnect(),
    };
  }
}
