import { say } from "../../support/say.ts";

const ROOT = new URL("../../../", import.meta.url).pathname;

/** An installed Open WebUI. */
export interface Installed {
  /** Its `uvicorn`. */
  uvicorn: string;
  version: string;
}

async function run(command: string, args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, { args, stdin: "null" })
    .output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
  if (!success) throw new Error(`${command} ${args.join(" ")}: ${decode(stderr).slice(-2_000)}`);
  return decode(stdout);
}

const folderOf = (version: string | undefined) =>
  Deno.env.get("OPEN_WEBUI_VENV") ?? `${ROOT}.interop/${version ?? "newest"}`;

/** What version an environment has; `undefined` when it has no Open WebUI. */
async function versionIn(folder: string): Promise<string | undefined> {
  const script = "import importlib.metadata as m; print(m.version('open-webui'))";
  return await run(`${folder}/bin/python`, ["-c", script]).catch(() => undefined);
}

/** The newest that is there already; `undefined` when none is. */
export async function installed(): Promise<Installed | undefined> {
  const folder = folderOf(undefined);
  const version = await versionIn(folder);
  return version === undefined ? undefined : { uvicorn: `${folder}/bin/uvicorn`, version };
}

/**
 * Installs Open WebUI from its package into a folder of its own, kept for the next run: 7 GB and some
 * minutes. With `OPEN_WEBUI_VENV` an environment that is there already is used.
 */
export async function installOpenWebui(version: string | undefined): Promise<Installed> {
  const folder = folderOf(version);
  const python = `${folder}/bin/python`;
  let found = await versionIn(folder);
  const isWanted = found !== undefined && (version === undefined || found === version);
  if (!isWanted) {
    if (Deno.env.has("OPEN_WEBUI_VENV")) {
      throw new Error(`OPEN_WEBUI_VENV has ${found ?? "no Open WebUI"}`);
    }
    say(`Installing Open WebUI ${version ?? "(the newest)"} into ${folder}: some minutes.`);
    await run("python3", ["-m", "venv", folder]);
    const wanted = version === undefined ? "open-webui" : `open-webui==${version}`;
    await run(python, ["-m", "pip", "install", "--quiet", wanted, "psycopg2-binary"]);
    found = await versionIn(folder);
  }
  return { uvicorn: `${folder}/bin/uvicorn`, version: found ?? "unknown" };
}
