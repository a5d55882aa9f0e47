/** A server under measurement: a process of its own, steered by lines of JSON on its stdin and stdout. */
import { TextLineStream } from "./text_line_stream.ts";
import { withLimit } from "./with_limit.ts";
import type { Launch, Peer } from "../peers/peer.ts";

const encoder = new TextEncoder();

/** What every server can be told to do; see `servers/control.mjs`. */
export type Command =
  /** → `{us}`: CPU time of the process so far, all threads, user and system. */
  | { do: "cpu" }
  /** → `{kib}`: resident memory. */
  | { do: "memory" }
  /** → `{ms}`: the longest pause of the event loop since it was asked last. */
  | { do: "pause" }
  /** Collects garbage. */
  | { do: "gc" }
  /** → `{count}`: sockets that are connected and signed in. */
  | { do: "sockets" }
  /** Puts all sockets in the room `bench`. */
  | { do: "gather" }
  /** Emits `count` times to the room `bench`, `pauseMs` apart, or all at once when it is 0. */
  | { do: "emit"; count: number; pauseMs: number; event: string; payload: unknown };

export interface Answer {
  us?: number;
  kib?: number;
  ms?: number;
  count?: number;
}

const START_LIMIT_MS = 30_000;
const ANSWER_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 5_000;
const KEPT_STDERR = 4_000;

export class ServerProcess implements AsyncDisposable {
  port = 0;
  get childPid() {
    return this.#child.pid;
  }
  readonly peer: Peer;
  readonly #child: Deno.ChildProcess;
  readonly #stdin: WritableStreamDefaultWriter<Uint8Array>;
  readonly #waiting = new Map<number, PromiseWithResolvers<Answer>>();
  readonly #ready = Promise.withResolvers<void>();
  readonly #output: Promise<unknown>;
  #lastId = 0;
  #stderr = "";

  private constructor(peer: Peer, launch: Launch, env: Record<string, string>) {
    this.peer = peer;
    this.#child = new Deno.Command(launch.command, {
      args: launch.args,
      cwd: launch.cwd,
      env: { ...launch.env, ...env },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#stdin = this.#child.stdin.getWriter();
    this.#output = Promise.all([this.#readAnswers(), this.#readStderr()]);
  }

  /** Starts the server; throws with the end of its stderr when it does not come up. */
  static async start(
    peer: Peer,
    launch: Launch,
    env: Record<string, string> = {},
  ): Promise<ServerProcess> {
    const server = new ServerProcess(peer, launch, env);
    try {
      await withLimit(server.#ready.promise, START_LIMIT_MS, () => `${peer.id} to start`);
    } catch (thrown) {
      await server[Symbol.asyncDispose]();
      throw new Error(`Cannot start ${peer.id}: ${server.#stderr.trim() || String(thrown)}`);
    }
    return server;
  }

  async ask(command: Command): Promise<Answer> {
    const id = ++this.#lastId;
    const waiting = Promise.withResolvers<Answer>();
    this.#waiting.set(id, waiting);
    await this.#stdin.write(encoder.encode(JSON.stringify({ id, ...command }) + "\n"));
    return await withLimit(
      waiting.promise,
      ANSWER_LIMIT_MS,
      () => `${this.peer.id}: ${command.do}`,
    );
  }

  /** CPU time that the server spends while `work` runs, in microseconds. */
  async cpuOf(work: () => Promise<void>): Promise<number> {
    const before = await this.cpuUs();
    await work();
    return await this.cpuUs() - before;
  }

  async cpuUs(): Promise<number> {
    return (await this.ask({ do: "cpu" })).us ?? NaN;
  }

  /** Resident memory in KiB. */
  async residentKiB(): Promise<number> {
    return (await this.ask({ do: "memory" })).kib ?? NaN;
  }

  /**
   * The longest time in which no timer of the server got its turn while `work` ran, in milliseconds;
   * without what other processes took of it.
   */
  async longestPauseOf(work: () => Promise<unknown>): Promise<number> {
    await this.ask({ do: "pause" });
    await work();
    return (await this.ask({ do: "pause" })).ms ?? NaN;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stdin.close().catch(() => {});
    const late = setTimeout(() => this.#child.kill("SIGKILL"), STOP_LIMIT_MS);
    try {
      this.#child.kill("SIGTERM");
    } catch {
      // It has ended already.
    }
    await this.#child.status;
    clearTimeout(late);
    await this.#output;
  }

  async #readAnswers(): Promise<void> {
    const lines = this.#child.stdout
      .pipeThrough(new TextDecoderStream())
      .pipeThrough(new TextLineStream());
    for await (const line of lines) {
      if (line.startsWith("{")) this.#onLine(JSON.parse(line));
    }
    const ended = new Error(`${this.peer.id} has ended: ${this.#stderr.trim()}`);
    this.#ready.reject(ended);
    for (const waiting of this.#waiting.values()) waiting.reject(ended);
  }

  #onLine(line: { ready?: { port: number }; id?: number } & Answer): void {
    if (line.ready !== undefined) {
      this.port = line.ready.port;
      this.#ready.resolve();
    } else if (line.id !== undefined) {
      this.#waiting.get(line.id)?.resolve(line);
      this.#waiting.delete(line.id);
    }
  }

  async #readStderr(): Promise<void> {
    for await (const text of this.#child.stderr.pipeThrough(new TextDecoderStream())) {
      this.#stderr = (this.#stderr + text).slice(-KEPT_STDERR);
    }
  }
}
