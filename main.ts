import { type App, startApp } from "./lib/app.ts";
import { startDropIn } from "./lib/app/drop_in.ts";
import { ONE_OF_MANY, parentGone, runInstances } from "./lib/app/instances.ts";
import type { Running } from "./lib/app/running.ts";
import { startLines } from "./lib/app/start_lines.ts";
import { errorText } from "./lib/common/errors.ts";
import { createLogger } from "./lib/common/logger.ts";
import { logUnhandledRejections } from "./lib/common/unhandled.ts";
import { watchPort } from "./lib/transport/watchdog.ts";
import { type Config, ConfigError, describeConfig, loadConfig } from "./lib/config.ts";

function configOrExit(): Config {
  try {
    return loadConfig((name) => Deno.env.get(name), { isTerminal: Deno.stderr.isTerminal() });
  } catch (thrown) {
    if (!(thrown instanceof ConfigError)) throw thrown;
    Deno.stderr.writeSync(new TextEncoder().encode(thrown.message + "\n"));
    Deno.exit(1);
  }
}

/** What says the same again within this time is counted instead of written. */
const LOG_REPEAT_MS = 30_000;

const config = configOrExit();
const isDropIn = config.openWebUiDatabaseUrl !== undefined;
const logger = createLogger({
  level: config.logLevel,
  format: config.logFormat,
  repeatMs: LOG_REPEAT_MS,
});
logUnhandledRejections(logger);

async function startOrExit(): Promise<Running> {
  try {
    return isDropIn ? await startDropIn(config, logger) : await startApp(config, logger);
  } catch (thrown) {
    logger.error("could not start", { error: errorText(thrown) });
    Deno.exit(1);
  }
}

const isOneOfMany = Deno.args.includes(ONE_OF_MANY);
if (!isOneOfMany) { for (const warning of config.warnings) logger.warn(warning); }
logger.debug("configuration", describeConfig(config));

if (config.instances > 1 && !isOneOfMany) {
  try {
    await runInstances(config.instances, { program: "main.ts", logger });
  } catch (thrown) {
    logger.error("could not start", { error: errorText(thrown) });
    Deno.exit(1);
  }
}
const app = await startOrExit();

const watchdog = config.deploymentId === undefined
  ? watchPort({
    url: app.url,
    ...(isOneOfMany && { shared: { accepted: () => app.accepted } }),
    onDeaf() {
      logger.error(
        "the port accepts no connections any more: the process ends, to be started anew",
      );
      void app.stop().finally(() => Deno.exit(1));
    },
  })
  // The platform keeps the port, and starts what does not answer anew.
  : undefined;

void app.outdated.then((why) => {
  logger.error("a newer version has taken over the store: the process ends", {
    error: errorText(why),
  });
  void app.stop().finally(() => Deno.exit(1));
});

async function stop(signal: string): Promise<void> {
  logger.info("stopping", { signal });
  watchdog?.[Symbol.dispose]();
  await app.stop({ timeoutMs: config.drainTimeoutMs, letsFinish: true });
  logger.info("stopped");
  Deno.exit(0);
}
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.addSignalListener(signal, () => void stop(signal));
}
if (isOneOfMany) void parentGone().then(() => stop("the parent has ended"));

// What is told comes after what it promises: who reads of the address may end the process at once.
logger.info(`listening on ${app.url}`, { instance: app.instanceId });
if (isDropIn) {
  logger.info("real-time layer of an Open WebUI: send /ws/socket.io here, and all else to it");
} else if ("services" in app) {
  // A store that can't be asked right now keeps nothing from starting.
  const isEmpty = !await (app as App).services.users.hasFirst().catch(() => true);
  for (const line of startLines(config, { isEmpty })) logger.info(line);
  logger.info(`open ${app.url}${isEmpty ? " and make the first account" : ""}`);
}
