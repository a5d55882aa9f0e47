/**
 * Prints what the server may touch, as its configuration says: `deno task start` grants that and no
 * more. `paths`: its files; `run`: the flag for the programs it may start, which is Deno itself where
 * several instances are asked for.
 */
import { loadConfig } from "../config.ts";
import { readDatabaseUrl } from "../openwebui/database_url.ts";
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
    const { manager, kvPath, instances, openWebUiDatabaseUrl: url } = loadConfig((name) =>
      Deno.env.get(name)
    );
    const database = url === undefined ? undefined : readDatabaseUrl(url);
    return {
      kvPath: manager === "redis" ? undefined : kvPath,
      instances,
      sqlitePath: database?.kind === "sqlite" ? database.path : undefined,
    };
  } catch {
    return { kvPath: undefined, instances: 1, sqlitePath: undefined };
  }
}

const { kvPath, instances, sqlitePath } = configured();
const text = Deno.args[0] === "run" ? instances > 1 ? "--allow-run=deno" : "--deny-run" : [
  ...grantedPaths(kvPath, isThere),
  ...sqlitePath === undefined ? [] : grantedPaths(sqlitePath, isThere),
].join(",");
Deno.stdout.writeSync(new TextEncoder().encode(text));
