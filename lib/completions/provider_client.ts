import { type Dispatcher, EnvHttpProxyAgent } from "undici";

/** Proxies by which providers are reached, as the environment names them. Default: none. */
export interface ProxyOptions {
  httpProxy?: string;
  httpsProxy?: string;
  /** Hosts that are reached without one, parted by commas. */
  noProxy?: string;
}

export interface ProviderRequest {
  method: "GET" | "POST";
  headers: Record<string, string>;
  body?: string;
  signal: AbortSignal;
}

/** Takes the next bytes of a body: it is read on when the promise is settled, or not at all. */
export type OnBytes = (bytes: Uint8Array) => void | Promise<void> | "enough";

/**
 * HTTP to providers, over connections that are kept: a body is handed over as its bytes come, without
 * a stream, a promise or a timer in between. Its own time limits are off, the request's signal counts.
 */
export class ProviderClient implements AsyncDisposable {
  readonly #agent: Dispatcher;

  constructor({ httpProxy = "", httpsProxy = "", noProxy = "" }: ProxyOptions = {}) {
    this.#agent = new EnvHttpProxyAgent({
      ...{ httpProxy, httpsProxy, noProxy },
      // Deno's HTTP/2 client costs more, and nothing is won: a stream is one request.
      allowH2: false,
      bodyTimeout: 0,
      headersTimeout: 0,
      connect: { timeout: 0 },
    });
  }

  /** Resolves with the head of the answer; rejects when there is none, with the signal's reason too. */
  request(url: string, { signal, ...request }: ProviderRequest): Promise<ProviderAnswer> {
    signal.throwIfAborted();
    const { origin, pathname, search, username, password } = new URL(url);
    const headers = { ...request.headers };
    if (username !== "" && headers["authorization"] === undefined) {
      const words = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
      headers["authorization"] = `Basic ${btoa(words)}`;
    }
    return new Promise((resolve, reject) => {
      const answer = new ProviderAnswer(signal, { resolve, reject });
      this.#agent.dispatch({
        ...{ origin, path: pathname + search, method: request.method, headers },
        ...(request.body !== undefined && { body: request.body }),
      }, answer);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.destroy();
  }
}

interface Head {
  resolve(answer: ProviderAnswer): void;
  reject(reason: unknown): void;
}

/** One answer: its head, and its body for one reader. */
export class ProviderAnswer implements Dispatcher.DispatchHandler {
  status = 0;
  readonly headers = new Headers();
  readonly #signal: AbortSignal;
  readonly #head: Head;
  readonly #end = Promise.withResolvers<void>();
  #controller: Dispatcher.DispatchController | undefined;
  #onBytes: OnBytes | undefined;
  /** What came before somebody read. */
  #early: Uint8Array[] = [];
  #isEnded = false;

  constructor(signal: AbortSignal, head: Head) {
    this.#signal = signal;
    this.#head = head;
    this.#end.promise.catch(() => {});
    signal.addEventListener("abort", this.#onAbort);
  }

  get isOk(): boolean {
    return this.status >= 200 && this.status < 300;
  }

  /**
   * Hands the body over until it has ended, or is enough. Rejects when it breaks off, the signal
   * fires, or `onBytes` throws.
   */
  async read(onBytes: OnBytes): Promise<void> {
    for (let bytes = this.#early.shift(); bytes; bytes = this.#early.shift()) {
      if (await onBytes(bytes) === "enough") return;
    }
    this.#onBytes = onBytes;
    this.#controller?.resume();
    await this.#end.promise;
  }

  /** Ends the request; a body that has ended leaves the connection for others. */
  cancel(): void {
    if (!this.#isEnded) this.#fail(new DOMException("The answer is not read on.", "AbortError"));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#isEnded) controller.abort(this.#abortReason());
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[]>,
  ): void {
    if (status < 200) return;
    this.status = status;
    for (const [name, value] of Object.entries(headers)) {
      for (const each of [value].flat()) this.headers.append(name, each);
    }
    this.#head.resolve(this);
  }

  onResponseData(controller: Dispatcher.DispatchController, bytes: Uint8Array): void {
    if (this.#onBytes === undefined) {
      this.#early.push(bytes);
      controller.pause();
      return;
    }
    try {
      const wait = this.#onBytes(bytes);
      if (wait === undefined) return;
      // What follows at once may be the body's end: with it, the connection is kept.
      if (wait === "enough") return this.#end.resolve();
      controller.pause();
      wait.then(() => controller.resume(), (thrown) => this.#fail(thrown));
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  onResponseEnd(): void {
    this.#settle();
    this.#end.resolve();
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, thrown: unknown): void {
    this.#fail(thrown);
  }

  readonly #onAbort = () => this.#fail(this.#signal.reason);

  #fail(thrown: unknown): void {
    if (this.#isEnded) return;
    this.#settle();
    this.#head.reject(thrown);
    this.#end.reject(thrown);
    this.#controller?.abort(this.#abortReason());
  }

  #settle(): void {
    this.#isEnded = true;
    this.#signal.removeEventListener("abort", this.#onAbort);
  }

  /** The library asks for an error, whatever the reason is. */
  #abortReason(): Error {
    return new DOMException("The request was ended.", "AbortError");
  }
}
