/**
 * The official clients of other languages, each in a process of its own: they are to come back by
 * themselves. Python's and Java's are Socket.IO's own, Go's is its community's.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CACHE, once, pythonFolder, run } from "../bench/peers/install.ts";
import { endsWithTask } from "../support/ending.ts";
import { say } from "../support/say.ts";
import { until } from "../support/until.ts";

const SOURCES = fileURLToPath(new URL("./clients/", import.meta.url));

interface Language {
  name: string;
  /** Installs or builds it; returns the command before address and token. Throws where it can't be had. */
  install(): Promise<string[]>;
}

/** Copies files to a folder that git ignores, where `build` makes of them what runs. */
async function built(
  name: string,
  files: readonly string[],
  build: (folder: string) => Promise<void>,
): Promise<string> {
  const folder = join(CACHE, name);
  const texts = await Promise.all(files.map((file) => Deno.readTextFile(join(SOURCES, file))));
  await once(folder, texts.join("\n"), async () => {
    await Promise.all(files.map((file) => Deno.copyFile(join(SOURCES, file), join(folder, file))));
    await build(folder);
  });
  return folder;
}

const LANGUAGES: readonly Language[] = [
  {
    name: "Python",
    async install() {
      return [join(await pythonFolder(), "bin/python"), join(SOURCES, "client.py")];
    },
  },
  {
    name: "Go",
    async install() {
      const folder = await built(
        "client-go",
        ["main.go", "go.mod", "go.sum"],
        (folder) => run("go", ["build", "-o", "client", "."], folder),
      );
      return [join(folder, "client")];
    },
  },
  {
    name: "Java",
    async install() {
      const folder = await built("client-java", ["Client.java", "pom.xml"], async (folder) => {
        const goal = "dependency:copy-dependencies";
        await run("mvn", ["-q", "-B", goal, "-DoutputDirectory=lib"], folder);
        await run("javac", ["-cp", "lib/*", "Client.java"], folder);
      });
      return ["java", "-cp", `${folder}:${folder}/lib/*`, "Client"];
    },
  },
];

/** Counts how often it has connected and been disconnected. */
export class OfficialClient implements AsyncDisposable {
  readonly name: string;
  readonly #child: Deno.ChildProcess;
  readonly #reading: Promise<void>;
  readonly #forget: () => void;
  #told = "";
  #isOver = false;

  constructor(name: string, [command = "", ...args]: readonly string[]) {
    this.name = name;
    this.#child = new Deno.Command(command, {
      ...{ args, stdin: "null", stdout: "piped", stderr: "null" },
    }).spawn();
    this.#reading = this.#read();
    this.#forget = endsWithTask(() => this[Symbol.asyncDispose]());
  }

  get connects(): number {
    return this.#count(/^connect$/gm);
  }

  get disconnects(): number {
    return this.#count(/^disconnect$/gm);
  }

  get isConnected(): boolean {
    return !this.#isOver && this.connects > this.disconnects;
  }

  async #read(): Promise<void> {
    for await (const text of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      this.#told += text;
    }
    this.#isOver = true;
  }

  #count(word: RegExp): number {
    return [...this.#told.matchAll(word)].length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    await this.#child.status;
    await this.#reading;
    this.#forget();
  }
}

/** Connects those that can be had; each that can't is said aloud, with what it lacks. */
export async function startOfficialClients(
  url: string,
  token: string,
  stack: AsyncDisposableStack,
): Promise<OfficialClient[]> {
  const clients: OfficialClient[] = [];
  for (const { name, install } of LANGUAGES) {
    const command = await install().catch((thrown: Error) => {
      say(`${name}'s client can't be had, and is not tried: ${thrown.message}`);
    });
    if (!command) continue;
    const client = stack.use(new OfficialClient(name, [...command, url, token]));
    await until(() => client.isConnected, { what: `${name}'s client`, limitMs: 60_000 });
    clients.push(client);
  }
  return clients;
}
