import { cpus, release, totalmem } from "node:os";
import type { Machine } from "./report.ts";

async function versionOf(command: string): Promise<string> {
  try {
    const { stdout } = await new Deno.Command(command, { args: ["--version"] }).output();
    return new TextDecoder().decode(stdout).trim().replace(/^\D+/, "");
  } catch {
    return "not found";
  }
}

/** What this machine is, for those who compare figures. */
export async function thisMachine(): Promise<Machine> {
  return {
    cpu: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `Linux ${release()}`,
    versions: {
      Deno: Deno.version.deno,
      Node: await versionOf("node"),
      Python: await versionOf("python3"),
    },
  };
}
