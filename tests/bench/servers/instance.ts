/** One of several instances of this project's server: its state in Redis, or in a KV of them all. */
import { startApp } from "../../../lib/app.ts";
import { createLogger } from "../../../lib/common/logger.ts";
import { loadConfig } from "../../../lib/config.ts";
import { addUsers } from "./bench_users.ts";
import { obey } from "./control.mjs";
import { stamping } from "./stamped.mjs";

const state = Deno.env.get("BENCH_STATE");
const redisUrl = state === "redis" ? Deno.env.get("BENCH_REDIS_URL") : "";
const kvPath = Deno.env.get(state === "kvconnect" ? "BENCH_KV_CONNECT_URL" : "BENCH_KV_PATH");

const settings: Record<string, string | undefined> = {
  HOST: "127.0.0.1",
  PORT: Deno.env.get("BENCH_PORT") ?? "0",
  INSTANCES: Deno.env.get("BENCH_INSTANCES"),
  LOG_LEVEL: "warn",
  WEBUI_SECRET_KEY: Deno.env.get("BENCH_SECRET_KEY"),
  OPENAI_API_BASE_URL: Deno.env.get("BENCH_PROVIDER_URL"),
  // All load comes from one address.
  MAX_CONNECTIONS_PER_ADDRESS: "20000",
  // The load's sockets do not come back.
  BALANCE_SOCKETS_PER_SECOND: "0",
  // One editor may stand for many.
  MAX_EVENTS_PER_SECOND: "10000",
  QUOTA_WRITE_BYTES_PER_SECOND: Deno.env.get("QUOTA_WRITE_BYTES_PER_SECOND"),
  ...(redisUrl
    ? {
      WEBSOCKET_MANAGER: "redis",
      WEBSOCKET_REDIS_URL: redisUrl,
      REDIS_KEY_PREFIX: Deno.env.get("BENCH_KEY_PREFIX"),
    }
    : { DENO_KV_PATH: kvPath }),
};

const config = loadConfig((name) => settings[name]);
await using app = await startApp(config, createLogger({ level: config.logLevel }));
await addUsers(app);
await obey({
  io: stamping(app.sockets.server.io),
  port: Number(new URL(app.url).port),
  collectGarbage: () => (globalThis as unknown as { gc(): void }).gc(),
  signedIn: () => app.services.sessions.size,
});
