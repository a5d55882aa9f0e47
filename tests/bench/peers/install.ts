/**
 * Installs the peers by their ordinary clients into a folder that git ignores, at their pinned
 * versions; what is there already stays.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const CACHE = fileURLToPath(new URL("../../../.bench/", import.meta.url));
export const SERVERS = fileURLToPath(new URL("../servers/", import.meta.url));

const NPM_PACKAGES = { "socket.io": "4.8.4", "jose": "6.2.17" };
const BUN_PACKAGES = { ...NPM_PACKAGES, "bun": "1.4.5", "@socket.io/bun-engine": "0.1.2" };
const PIP_PACKAGES = [
  "python-socketio==5.18.1",
  "uvicorn==0.54.0",
  "websockets==17.4",
  "PyJWT==2.15.1",
  "aiohttp==3.14.5",
];
/** What `uvicorn[standard]` adds and uses here. */
const PIP_FAST_PACKAGES = [...PIP_PACKAGES, "uvloop==0.23.0", "httptools==0.9.0"];

/** A folder with the packages of npm and the JavaScript servers beside them, for Node. */
export function nodeFolder(): Promise<string> {
  return npmFolder("node", NPM_PACKAGES);
}

/** The same with Bun and its engine. */
export function bunFolder(): Promise<string> {
  return npmFolder("bun", BUN_PACKAGES);
}

/** A virtual environment with python-socketio and plain uvicorn: asyncio's own event loop. */
export function pythonFolder(): Promise<string> {
  return pipFolder("python", PIP_PACKAGES);
}

/** The same with what makes uvicorn fast: libuv's event loop, a parser in C. */
export function fastPythonFolder(): Promise<string> {
  return pipFolder("python-uvloop", PIP_FAST_PACKAGES);
}

/** A virtual environment with these packages. */
export async function pipFolder(name: string, packages: readonly string[]): Promise<string> {
  const folder = join(CACHE, name);
  await once(folder, packages.join(" "), async () => {
    await run("python3", ["-m", "venv", "--clear", folder]);
    await run(join(folder, "bin/pip"), ["install", "--quiet", ...packages]);
  });
  return folder;
}

/** A folder with these packages and the JavaScript servers. */
export async function npmFolder(
  name: string,
  dependencies: Record<string, string>,
): Promise<string> {
  const folder = join(CACHE, name);
  const manifest = JSON.stringify({ private: true, type: "module", dependencies });
  await once(folder, manifest, async () => {
    await Deno.writeTextFile(join(folder, "package.json"), manifest);
    await run("npm", ["install", "--no-audit", "--no-fund", "--loglevel=error"], folder);
  });
  // Node and Bun look for packages beside the file that imports them.
  for await (const { name: file } of Deno.readDir(SERVERS)) {
    if (file.endsWith(".mjs")) await Deno.copyFile(join(SERVERS, file), join(folder, file));
  }
  return folder;
}

/** Runs `install` unless it has run to its end before, with the same packages. */
export async function once(
  folder: string,
  packages: string,
  install: () => Promise<void>,
): Promise<void> {
  const mark = join(folder, "installed");
  if (await Deno.readTextFile(mark).catch(() => "") === packages) return;
  await Deno.mkdir(folder, { recursive: true });
  await install();
  await Deno.writeTextFile(mark, packages);
}

export async function run(command: string, args: string[], cwd: string = CACHE): Promise<void> {
  const output = await new Deno.Command(command, { args, cwd, stdout: "null", stderr: "piped" })
    .output();
  if (output.success) return;
  const lines = new TextDecoder().decode(output.stderr).trim().split("\n");
  throw new Error(`Cannot run ${command} ${args[0]}: ${lines.at(-1) ?? "no reason given"}`);
}
