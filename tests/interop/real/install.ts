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

/**
 * Installs Open WebUI from its package into a folder of its own, kept for the next run: 7 GB and some
 * minutes. With `OPEN_WEBUI_VENV` an environment that is there already is used.
 */
export async function installOpenWebui(version: string | undefined): Promise<Installed> {
  const given = Deno.env.get("OPEN_WEBUI_VENV");
  const folder = given ?? `${ROOT}.interop/${version ?? "newest"}`;
  const python = `${folder}/bin/python`;
  const read = () =>
    run(python, ["-c", "import importlib.metadata as m; print(m.version('open-webui'))"]);
  let found = await read().catch(() => undefined);
  const isWanted = found !== undefined && (version === undefined || found === version);
  if (!isWanted) {
    if (given !== undefined) throw new Error(`OPEN_WEBUI_VENV has ${found ?? "no Open WebUI"}`);
    say(`Installing Open WebUI ${version ?? "(the newest)"} into ${folder}: some minutes.`);
    await run("python3", ["-m", "venv", folder]);
    const wanted = version === undefined ? "open-webui" : `open-webui==${version}`;
    await run(python, ["-m", "pip", "install", "--quiet", wanted, "psycopg2-binary"]);
    found = await read();
  }
  return { uvicorn: `${folder}/bin/uvicorn`, version: found ?? "unknown" };
}
