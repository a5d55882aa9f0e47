/** One real Postgres on a free port, with its data in a folder of its own, from Debian's package. */
import { endsWithTask } from "./ending.ts";
import { until } from "./until.ts";

const HOST = "127.0.0.1";
/** Postgres refuses to run as root: the package's own account runs it then. */
const ACCOUNT = "postgres";

interface Ran {
  success: boolean;
  text: string;
}

async function run(command: string, ...args: string[]): Promise<Ran> {
  try {
    const { success, stdout, stderr } = await new Deno.Command(command, {
      args,
      cwd: "/",
      stdin: "null",
    }).output();
    const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
    return { success, text: decode(success ? stdout : stderr) };
  } catch (thrown) {
    return { success: false, text: String(thrown) };
  }
}

/** Where Debian puts the newest version's programs, which are not on the path; `undefined`: nowhere. */
async function programs(): Promise<string | undefined> {
  const root = "/usr/lib/postgresql";
  const versions: number[] = [];
  try {
    for await (const { name } of Deno.readDir(root)) if (/^\d+$/.test(name)) versions.push(+name);
  } catch {
    return undefined;
  }
  return versions.length === 0 ? undefined : `${root}/${Math.max(...versions)}/bin`;
}

const bin = await programs();

/** Whether Postgres is there; says so when it is not. */
export function postgresAvailable(): boolean {
  if (bin === undefined) {
    Deno.stderr.writeSync(
      new TextEncoder().encode("Postgres tests are ignored: postgresql is not installed.\n"),
    );
  }
  return bin !== undefined;
}

/** Runs one of its programs, as somebody who is not root. */
function asAccount(program: string, ...args: string[]): Promise<Ran> {
  const path = `${bin}/${program}`;
  if (Deno.uid() !== 0) return run(path, ...args);
  return run("runuser", "-u", ACCOUNT, "--", path, ...args);
}

export class PostgresServer implements AsyncDisposable {
  readonly #folder: string;
  readonly #port: number;
  readonly #forget: () => void;

  private constructor(folder: string, port: number) {
    this.#folder = folder;
    this.#port = port;
    this.#forget = endsWithTask(() => this[Symbol.asyncDispose]());
  }

  static async start(): Promise<PostgresServer> {
    const folder = await Deno.makeTempDir({ prefix: "postgres-" });
    if (Deno.uid() === 0) must(await run("chown", ACCOUNT, folder));
    must(await asAccount("initdb", "-D", `${folder}/data`, "-A", "trust", "-U", "test", "-N"));
    const server = new PostgresServer(folder, freePort());
    await server.#start();
    return server;
  }

  /** `postgresql://…` of the database that is there from the start. */
  get url(): string {
    return `postgresql://test@${HOST}:${this.#port}/postgres`;
  }

  /** Ends it as a crash would, and starts it again on the same port. */
  async restart(): Promise<void> {
    await this.#stop();
    await this.#start();
  }

  async #start(): Promise<void> {
    const options = `-p ${this.#port} -h ${HOST} -k ${this.#folder} -F -c max_connections=30`;
    const begin = () =>
      asAccount(
        "pg_ctl",
        "-D",
        `${this.#folder}/data`,
        "-l",
        `${this.#folder}/log`,
        "-o",
        options,
        "-w",
        "start",
      );
    await until(async () => (await begin()).success, {
      what: "Postgres to start",
      limitMs: 30_000,
      everyMs: 250,
    });
  }

  async #stop(): Promise<void> {
    await asAccount("pg_ctl", "-D", `${this.#folder}/data`, "-m", "immediate", "-w", "stop");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop();
    await Deno.remove(this.#folder, { recursive: true });
    this.#forget();
  }
}

function must({ success, text }: Ran): void {
  if (!success) throw new Error(text);
}

function freePort(): number {
  using listener = Deno.listen({ hostname: HOST, port: 0 });
  return listener.addr.port;
}
