/** Runs an operator's command as `deno task` does: with its permissions, and nothing else. */
import type { Env } from "../support/server.ts";

const ROOT = new URL("../..", import.meta.url).pathname;

export interface CommandResult {
  code: number;
  out: string;
  said: string;
}

export async function runTask(
  task: "backup" | "restore" | "export" | "import",
  args: readonly string[],
  env: Env = {},
): Promise<CommandResult> {
  const { tasks } = JSON.parse(await Deno.readTextFile(`${ROOT}/deno.json`));
  const [, ...words] = String(tasks[task]).split(" ");
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...words, ...args],
    cwd: ROOT,
    env,
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), said: decoder.decode(stderr) };
}
