/**
 * Prints what the server may touch, as its configuration says: `deno task start` grants that and no
 * more. `paths`: its files; `run`: the flag for the programs it may start, which is Deno itself where
 * several instances are asked for.
 */
import { loadConfig } from "../config.ts";
import { grantedPaths } from "../state/granted_paths.ts";

function isThere(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}

/** What a configuration that is wrong is granted does not matter: the server names its faults. */
function configured() {
  try {
    const { manager, kvPath, instances } = loadConfig((name) => Deno.env.get(name));
    return { kvPath: manager === "redis" ? undefined : kvPath, instances };
  } catch {
    return { kvPath: undefined, instances: 1 };
  }
}

const { kvPath, instances } = configured();
const text = Deno.args[0] === "run"
  ? instances > 1 ? "--allow-run=deno" : "--deny-run"
  : grantedPaths(kvPath, isThere).join(",");
Deno.stdout.writeSync(new TextEncoder().encode(text));
