import { endsWithTask } from "../../support/ending.ts";
import { until } from "../../support/until.ts";

const HOST = "127.0.0.1";

/** One of Open WebUI's Python processes. */
export interface PythonProcess extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  /** Whether the process has ended. */
  readonly isOver: boolean;
  log(): string;
  kill(): Promise<void>;
}

function freePort(): number {
  using listener = Deno.listen({ hostname: HOST, port: 0 });
  return listener.addr.port;
}

/** Starts one, as its own start script does, and waits until it is healthy. */
export async function startPython(
  uvicorn: string,
  env: Record<string, string>,
): Promise<PythonProcess> {
  const port = freePort();
  const url = `http://${HOST}:${port}`;
  const child = new Deno.Command(uvicorn, {
    args: ["open_webui.main:app", "--host", HOST, "--port", String(port)],
    env: {
      // Without it the package looks for files that only its container has.
      FROM_INIT_PY: "true",
      OFFLINE_MODE: "true",
      HF_HUB_OFFLINE: "1",
      ENABLE_OLLAMA_API: "false",
      ENABLE_VERSION_UPDATE_CHECK: "false",
      ...env,
    },
    cwd: "/",
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let text = "";
  const read = [child.stdout, child.stderr].map(async (stream) => {
    for await (const piece of stream.pipeThrough(new TextDecoderStream())) {
      text = (text + piece).slice(-200_000);
    }
  });
  let isOver = false;
  const status = child.status.finally(() => isOver = true);
  const kill = async () => {
    if (!isOver) child.kill("SIGKILL");
    await status;
    await Promise.all(read);
    forget();
  };
  const forget = endsWithTask(kill);
  try {
    await until(async () => {
      if (isOver) throw new Error(`Open WebUI ended at once: ${text.slice(-2_000)}`);
      const answer = await fetch(`${url}/health`).catch(() => undefined);
      await answer?.body?.cancel();
      return answer?.ok;
    }, { what: "Open WebUI", limitMs: 600_000, everyMs: 500 });
  } catch (thrown) {
    await kill();
    throw thrown;
  }
  return {
    ...{ url, pid: child.pid, kill },
    get isOver() {
      return isOver;
    },
    log: () => text,
    [Symbol.asyncDispose]: kill,
  };
}
