import { type Dispatcher, EnvHttpProxyAgent, errors } from "undici";
import { BodySocket } from "./body_socket.ts";

/** By whom providers are reached. */
export interface ProxyOptions {
  /** `http:`, `https:` or `socks5:`. */
  url: string;
  /** Hosts that are reached without it, parted by commas. */
  except: string | undefined;
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

  constructor(proxy?: ProxyOptions) {
    this.#agent = new EnvHttpProxyAgent({
      // What is empty is not looked for in the environment.
      httpProxy: proxy?.url ?? "",
      httpsProxy: proxy?.url ?? "",
      noProxy: proxy?.except ?? "",
      // Deno's HTTP/2 client costs more, and nothing is won: a stream is one request.
      allowH2: false,
      bodyTimeout: 0,
      headersTimeout: 0,
      connectTimeout: 0,
    });
  }

  /**
   * Resolves with the head of the answer; rejects when there is none, with the signal's reason too. A
   * kept connection may be closed by its other end at the very moment: then it is asked once more.
   */
  async request(url: string, request: ProviderRequest): Promise<ProviderAnswer> {
    request.signal.throwIfAborted();
    try {
      return await this.#send(url, request);
    } catch (thrown) {
      if (request.signal.aborted || !wasKept(thrown)) throw thrown;
      return await this.#send(url, request);
    }
  }

  #send(url: string, { signal, ...request }: ProviderRequest): Promise<ProviderAnswer> {
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

/** Whether the connection that broke had served a request before. */
function wasKept(thrown: unknown): boolean {
  return thrown instanceof errors.SocketError && (thrown.socket?.bytesRead ?? 0) > 0;
}

/** What is taken of a body that nobody reads yet. */
const MAX_EARLY_BYTES = 64 * 1024;

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
  readonly #socket = new BodySocket();
  #controller: Dispatcher.DispatchController | undefined;
  #onBytes: OnBytes | undefined;
  /** What came before somebody read. */
  #early: Uint8Array[] = [];
  #earlyBytes = 0;
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

  /**
   * Leaves what comes before this time of `performance.now()` where it is, with the kernel: then it is
   * one read, and not one for each piece.
   */
  rest(untilMs: number): void {
    if (!this.#isEnded) this.#socket.rest(untilMs);
  }

  /** Ends the request; a body that has ended leaves the connection for others. */
  cancel(): void {
    if (!this.#isEnded) this.#fail(new DOMException("The answer is not read on.", "AbortError"));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    this.#socket.claim();
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
      this.#earlyBytes += bytes.length;
      if (this.#earlyBytes > MAX_EARLY_BYTES) controller.pause();
      return;
    }
    try {
      const wait = this.#onBytes(bytes);
      if (wait === undefined) return;
      // What follows at once may be the body's end: with it, the connection is kept.
      if (wait === "enough") return this.#end.resolve();
      controller.pause();
      // A turn later: undici 8.13 on Deno 2.9 parses the same bytes for ever when it is resumed and
      // paused within one.
      wait.then(() => setTimeout(() => controller.resume()), (thrown) => this.#fail(thrown));
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
    this.#socket.wake();
    this.#isEnded = true;
    this.#signal.removeEventListener("abort", this.#onAbort);
  }

  /** The library asks for an error, whatever the reason is. */
  #abortReason(): Error {
    return new DOMException("The request was ended.", "AbortError");
  }
}
