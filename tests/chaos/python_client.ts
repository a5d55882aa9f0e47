/** The official client of Python, which is to come back by itself after a stop. */
import { pythonFolder } from "../bench/peers/install.ts";

const SCRIPT = `
import asyncio, sys, socketio
async def main(url, token):
    client = socketio.AsyncClient()
    client.on("connect", lambda: print("connect", flush=True))
    client.on("disconnect", lambda *why: print("disconnect", flush=True))
    await client.connect(url, socketio_path="/ws/socket.io", transports=["websocket"], auth={"token": token})
    await client.wait()
asyncio.run(main(sys.argv[1], sys.argv[2]))
`;

/** Counts how often it has connected and been disconnected. */
export interface PythonClient extends AsyncDisposable {
  readonly connects: number;
  readonly disconnects: number;
}

/** `undefined` where Python can't be had. */
export async function startPythonClient(
  url: string,
  token: string,
): Promise<PythonClient | undefined> {
  const folder = await pythonFolder().catch(() => undefined);
  if (folder === undefined) return undefined;
  const child = new Deno.Command(`${folder}/bin/python`, {
    args: ["-c", SCRIPT, url, token],
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  let told = "";
  const reading = (async () => {
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) told += text;
  })();
  const count = (word: RegExp) => [...told.matchAll(word)].length;
  return {
    get connects() {
      return count(/^connect$/gm);
    },
    get disconnects() {
      return count(/^disconnect$/gm);
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.status;
      await reading;
    },
  };
}
