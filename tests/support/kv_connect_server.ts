/** A real KV Connect server, `denokv`, on a free port, with a database of its own. */
import { endsWithTask } from "./ending.ts";
import { until } from "./until.ts";

const PROGRAM = Deno.env.get("DENOKV") ?? "denokv";
const ACCESS_TOKEN = "a-token-for-tests-only";
const LISTENING = /Listening on (http:\/\/[\d.:]+)/;

let available: boolean | undefined;

/** Whether `denokv` is there (on the path, or where `DENOKV` says); says so once when it is not. */
export function kvConnectAvailable(): boolean {
  if (available === undefined) {
    available = isInstalled();
    if (!available) {
      Deno.stderr.writeSync(
        new TextEncoder().encode("KV Connect tests are ignored: denokv is not installed.\n"),
      );
    }
  }
  return available;
}

function isInstalled(): boolean {
  try {
    return new Deno.Command(PROGRAM, { args: ["--help"], stdout: "null", stderr: "null" })
      .outputSync().success;
  } catch {
    return false;
  }
}

export class KvConnectServer implements AsyncDisposable {
  readonly #directory: string;
  readonly #forget: () => void;
  #url = "";
  #process: Deno.ChildProcess | undefined;
  #read: Promise<void> = Promise.resolve();

  private constructor(directory: string) {
    this.#directory = directory;
    this.#forget = endsWithTask(() => this[Symbol.asyncDispose]());
  }

  /** Starts a server, and gives this process and its children the token that it asks for. */
  static async start(): Promise<KvConnectServer> {
    Deno.env.set("DENO_KV_ACCESS_TOKEN", ACCESS_TOKEN);
    const server = new KvConnectServer(await Deno.makeTempDir({ prefix: "denokv-" }));
    try {
      await server.restart();
      return server;
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** What `DENO_KV_PATH` takes. */
  get url(): string {
    return this.#url;
  }

  get port(): number {
    return Number(new URL(this.#url).port);
  }

  async kill(): Promise<void> {
    const process = this.#process;
    if (process === undefined) return;
    this.#process = undefined;
    process.kill("SIGKILL");
    await process.status;
    await this.#read;
  }

  /** Stands still, connections and all, until `resume`. */
  pause(): void {
    this.#process?.kill("SIGSTOP");
  }

  resume(): void {
    this.#process?.kill("SIGCONT");
  }

  /** Starts the server (again), on the same port and database. */
  async restart(): Promise<void> {
    await this.kill();
    const process = new Deno.Command(PROGRAM, {
      args: [
        ...["--sqlite-path", `${this.#directory}/kv.sqlite`, "serve"],
        ...["--addr", this.#url ? new URL(this.#url).host : "127.0.0.1:0"],
        ...["--access-token", ACCESS_TOKEN],
      ],
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    this.#process = process;
    let log = "";
    let isOver = false;
    this.#read = (async () => {
      for await (const text of process.stderr.pipeThrough(new TextDecoderStream())) log += text;
      isOver = true;
    })();
    const [, url = ""] = await until(() => {
      if (isOver) throw new Error(`denokv ended at once: ${log}`);
      return LISTENING.exec(log);
    }, { what: "denokv to listen" });
    this.#url = url;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await Deno.remove(this.#directory, { recursive: true });
    this.#forget();
  }
}
