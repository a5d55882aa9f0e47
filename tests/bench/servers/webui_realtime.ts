/** This project's own server, whole: its state in a KV file, its users signed up, its checks in place. */
import { join } from "node:path";
import { type App, startApp } from "../../../lib/app.ts";
import { createLogger } from "../../../lib/common/logger.ts";
import { loadConfig } from "../../../lib/config.ts";
import { keys } from "../../../lib/state/key_space.ts";
import type { UserRecord } from "../../../lib/state/records.ts";
import { USER_COUNT, userId } from "../load/users.ts";
import { obey } from "./control.mjs";

/** Defaults, but for what a bench on one machine needs. */
function settings(folder: string): Record<string, string | undefined> {
  return {
    HOST: "127.0.0.1",
    PORT: "0",
    LOG_LEVEL: "warn",
    DENO_KV_PATH: join(folder, "bench.kv"),
    WEBUI_SECRET_KEY: Deno.env.get("BENCH_SECRET_KEY"),
    OPENAI_API_BASE_URL: Deno.env.get("BENCH_PROVIDER_URL"),
    // All load comes from one address.
    MAX_CONNECTIONS_PER_ADDRESS: "20000",
  };
}

/** Straight into the store: a thousand password hashes would say nothing here. */
async function addUsers({ services }: App): Promise<void> {
  for (let index = 0; index < USER_COUNT; index++) {
    const id = userId(index);
    const record: UserRecord = {
      id,
      email: `${id}@example.org`,
      name: `User ${index}`,
      role: "user",
      profile_image_url: "/user.png",
      last_active_at: 0,
      created_at: 0,
      updated_at: 0,
      password_hash: "",
    };
    await services.store.values.set(keys.user(id), record);
  }
}

const folder = await Deno.makeTempDir({ prefix: "webui-realtime-bench-" });
try {
  const env = settings(folder);
  const config = loadConfig((name) => env[name]);
  await using app = await startApp(config, createLogger({ level: config.logLevel }));
  await addUsers(app);
  await obey({
    io: app.sockets.server.io,
    port: Number(new URL(app.url).port),
    collectGarbage: () => (globalThis as unknown as { gc(): void }).gc(),
    signedIn: () => app.services.sessions.size,
  });
} finally {
  await Deno.remove(folder, { recursive: true });
}
