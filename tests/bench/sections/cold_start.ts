/** From the start of the process to its first accepted socket. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { RedisServer } from "../../support/redis_servers.ts";
import { LoadSocket } from "../load/socket.ts";
import { SECRET_KEY, type Tokens } from "../load/tokens.ts";
import { pause } from "../measure/pause.ts";
import type { Figure, Section } from "./section.ts";

const ROUNDS = 7;
const LIMIT_MS = 20_000;
const TRY_EVERY_MS = 2;
const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/** Tries until the server lets a socket in. */
async function firstSocket(port: number, token: string): Promise<LoadSocket> {
  for (const end = performance.now() + LIMIT_MS;;) {
    try {
      return await LoadSocket.connect({ port, token, onPacket() {}, onLost() {} });
    } catch (thrown) {
      if (performance.now() > end) throw thrown;
      await pause(TRY_EVERY_MS);
    }
  }
}

async function startMs(env: Record<string, string>, tokens: Tokens): Promise<number> {
  const port = freePort();
  const began = performance.now();
  const server = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", "-P=start", "--allow-read", "--allow-write", "main.ts"],
    cwd: ROOT,
    env: { HOST: "127.0.0.1", PORT: `${port}`, WEBUI_SECRET_KEY: SECRET_KEY, ...env },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  try {
    const socket = await firstSocket(port, tokens.of(0));
    const ms = performance.now() - began;
    await socket.close();
    return ms;
  } finally {
    server.kill("SIGTERM");
    await server.status;
  }
}

export const coldStart: Section = {
  name: "cold_start",
  async run({ tokens, progress }) {
    const title = "from the start of the process to its first socket";
    const figure: Figure = { id: "cold_start", title, unit: "ms", samples: {}, failures: {} };
    await using redis = await RedisServer.start();
    const folder = await Deno.makeTempDir({ prefix: "webui-realtime-bench-" });
    const kinds: Record<string, Record<string, string>> = {
      "ours-redis": { WEBSOCKET_MANAGER: "redis", WEBSOCKET_REDIS_URL: redis.url },
      "ours-kv": { DENO_KV_PATH: join(folder, "bench.kv") },
    };
    try {
      for (let round = 0; round <= ROUNDS; round++) {
        progress(round === 0 ? "warm-up" : `round ${round} of ${ROUNDS}`);
        for (const [id, env] of Object.entries(kinds)) {
          const ms = await startMs(env, tokens);
          if (round > 0) (figure.samples[id] ??= []).push(ms);
        }
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
    return [figure];
  },
};
