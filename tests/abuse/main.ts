/**
 * `deno task abuse`: a server as it really runs, and what one user, or a stranger, can do to it.
 * Prints how long others had to wait, and the memory; with `--write` the table goes into
 * `docs/abuse.md`. Ends with 1 when others waited too long, something could not be done, or memory
 * stays grown. Rows that are named (`deno task abuse X7`) are done alone, and written nowhere.
 */
import { pause } from "../../lib/common/pause.ts";
import { endOnSignals } from "../support/ending.ts";
import { say } from "../support/say.ts";
import { startModelProvider } from "../support/model_provider.ts";
import { startServerProcess } from "../support/server_process.ts";
import { signUp } from "../support/server.ts";
import { withPart } from "../tools/generated.ts";
import { ATTACKS, newcomer } from "./attacks.ts";
import type { EchoReport } from "./echo_worker.ts";

const MAX_PAUSE_MS = 500;
/** What stays after all of it: threads kept warm, caches, a heap that V8 has not given back. */
const MAX_GROWN_MB = 350;
const SETTLE_MS = 15_000;

/** Another user, in a thread of their own: what the attackers do here does not count. */
class Bystander implements Disposable {
  readonly #worker = new Worker(new URL("./echo_worker.ts", import.meta.url), { type: "module" });

  async start(url: string, token: string): Promise<void> {
    this.#worker.postMessage({ url, token });
    await this.#next();
  }

  async longestMs(): Promise<number> {
    this.#worker.postMessage("report");
    return (await this.#next<EchoReport>()).longestMs;
  }

  #next<T>(): Promise<T> {
    return new Promise((resolve) => {
      this.#worker.onmessage = ({ data }: MessageEvent<T>) => resolve(data);
    });
  }

  [Symbol.dispose](): void {
    this.#worker.terminate();
  }
}

/** A comment a second, for ten minutes. */
function* signsOfLife(): Generator<string | number> {
  for (let n = 0; n < 600; n++) yield* [": alive\n\n", 1_000];
}

async function memoryMb(pid: number): Promise<number> {
  // Deno gives another process' memory to whoever has all permissions; `cat` needs the one to run it.
  const { stdout } = await new Deno.Command("cat", { args: [`/proc/${pid}/status`] }).output();
  const status = new TextDecoder().decode(stdout);
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1_024);
}

async function main(): Promise<number> {
  const named = Deno.args.filter((arg) => !arg.startsWith("-"));
  const attacks = ATTACKS.filter(({ number }) => named.length === 0 || named.includes(number));
  const folder = await Deno.makeTempDir();
  const rows: string[] = [];
  const problems: string[] = [];
  try {
    await using provider = startModelProvider();
    provider.script = () => ({ wire: signsOfLife() });
    await using server = await startServerProcess({
      DENO_KV_PATH: `${folder}/abuse.kv`,
      HTTP_ANSWER_TIMEOUT: "5",
      OPENAI_API_BASE_URL: provider.baseUrl,
      PROVIDER_FIRST_TOKEN_TIMEOUT: "5",
    });
    const { url, pid } = server;
    const ada = await signUp(url, "ada");
    using bystander = new Bystander();
    await bystander.start(url, ada.token);
    await pause(2_000);
    const calmMs = await bystander.longestMs();
    const beforeMb = await memoryMb(pid);
    rows.push(`| | nobody | ${Math.round(calmMs)} | ${beforeMb} | |`);
    for (const { number, what, run } of attacks) {
      const mallory = await newcomer(url);
      await bystander.longestMs();
      const end = await run(url, mallory).catch((thrown) => `failed: ${thrown}`);
      if (server.isOver) throw new Error(`${number} ended the server: ${server.log().slice(-500)}`);
      const waitedMs = Math.round(await bystander.longestMs());
      const mb = await memoryMb(pid);
      rows.push(`| ${number} | ${what} | ${waitedMs} | ${mb} | ${end} |`);
      say(`${number} ${what}: others waited ${waitedMs} ms, ${mb} MB, ${end}`);
      if (waitedMs > MAX_PAUSE_MS) problems.push(`${number}: others waited ${waitedMs} ms`);
      if (end.startsWith("failed")) problems.push(`${number}: ${end}`);
    }
    const end = performance.now() + SETTLE_MS;
    let afterMb = await memoryMb(pid);
    while (afterMb > beforeMb + MAX_GROWN_MB && performance.now() < end) {
      await pause(500);
      afterMb = await memoryMb(pid);
    }
    rows.push(
      `| | nobody, afterwards | ${Math.round(await bystander.longestMs())} | ${afterMb} | |`,
    );
    if (afterMb > beforeMb + MAX_GROWN_MB) problems.push(`${afterMb - beforeMb} MB stay taken`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  const table = [
    "| row | what | longest wait of others, ms | memory, MB | how it ended |",
    "| --- | --- | ---: | ---: | --- |",
    ...rows,
  ].join("\n");
  say(table);
  for (const problem of problems) say(`NOT GOOD: ${problem}`);
  if (Deno.args.includes("--write") && named.length === 0) {
    const path = new URL("../../docs/abuse.md", import.meta.url);
    const part = { path: "docs/abuse.md", name: "report", text: table };
    await Deno.writeTextFile(path, withPart(await Deno.readTextFile(path), part));
  }
  return problems.length > 0 ? 1 : 0;
}

if (import.meta.main) {
  endOnSignals();
  Deno.exit(await main());
}
