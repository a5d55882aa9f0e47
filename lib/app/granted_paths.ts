/**
 * Prints which files the server may touch, as its configuration says: `deno task start` grants these
 * and no others.
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
function paths(): string[] {
  try {
    const { manager, kvPath } = loadConfig((name) => Deno.env.get(name));
    return grantedPaths(manager === "redis" ? undefined : kvPath, isThere);
  } catch {
    return grantedPaths(undefined, isThere);
  }
}

Deno.stdout.writeSync(new TextEncoder().encode(paths().join(",")));
