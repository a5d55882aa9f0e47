/**
 * The server as a library. Importing it starts nothing; `main.ts` is the entry that starts one from
 * the environment.
 *
 * ```ts
 * const config = loadConfig((name) => ({ PORT: "0", DENO_KV_PATH: ":memory:" })[name]);
 * await using app = await startApp(config, createLogger({ level: "info", format: "text" }));
 * console.log(app.url);
 * ```
 */
export { type App, type AppOptions, startApp } from "./app.ts";
export { createLogger, type Logger, type LoggerOptions } from "./common/logger.ts";
export { type Config, ConfigError, loadConfig } from "./config.ts";
