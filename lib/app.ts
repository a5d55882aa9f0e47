import { Draining } from "./app/draining.ts";
import { layFoundation } from "./app/foundation.ts";
import { createSystemStatus } from "./app/live_view.ts";
import { createMetrics, readinessChecks } from "./app/observability.ts";
import type { OwnDataOptions } from "./app/own_data.ts";
import { createRoutes } from "./app/routes.ts";
import { run, type Running, startWhole } from "./app/running.ts";
import { openServices, type Services, startServices } from "./app/services.ts";
import { followAccess, openSockets, type Sockets } from "./app/sockets.ts";
import { createSweeper } from "./app/sweeps.ts";
import type { Logger } from "./common/logger.ts";
import type { Config } from "./config.ts";

export type { StopOptions } from "./app/running.ts";

/** A bus that is away delays the start no longer than this: what is local works without it. */
const CLUSTER_READY_MS = 2_000;

/** What the environment does not say. */
export type AppOptions = OwnDataOptions;

/** A server that runs. */
export interface App extends Running {
  readonly services: Services;
  readonly sockets: Sockets;
}

/**
 * Starts a server: opens the store, ties the parts, and listens once all of them work.
 *
 * `options` are what the environment does not say: none is needed.
 *
 * Throws `AppError("unavailable")` when the store can't be opened, `"conflict"` when a newer version has
 * written it; nothing stays open then.
 */
export function startApp(
  config: Config,
  logger: Logger,
  options: AppOptions = {},
): Promise<App> {
  return startWhole((stack) => assemble(config, logger, options, stack));
}

/** A server of its own: everything is made first, then tied, then started. */
async function assemble(
  config: Config,
  logger: Logger,
  options: AppOptions,
  stack: AsyncDisposableStack,
): Promise<App> {
  const foundation = await layFoundation(config, logger, stack);
  const services = await openServices(foundation, options);
  const sockets = openSockets(foundation, services);
  const sweeper = createSweeper(foundation, services, sockets);
  const { metrics, lag } = createMetrics(foundation, services, sockets, {
    tasks: services.tasks,
    streams: services.streams,
    readers: services.readers,
  });
  const draining = new Draining();
  const checks = readinessChecks(foundation, services, sweeper, draining);
  const systemStatus = createSystemStatus(foundation, services, sockets, lag);
  const onRequest = createRoutes({
    config,
    logger,
    services,
    sockets,
    metrics,
    systemStatus,
    checks,
    draining,
  });

  const [isHeard] = await Promise.all([
    foundation.cluster.ready(CLUSTER_READY_MS),
    followAccess(foundation, services, sockets),
    startServices(services),
  ]);
  if (!isHeard) logger.warn("other instances are not heard yet");
  sweeper.start();
  const { server } = sockets;
  const running = await run(foundation, { server, onRequest, draining, tasks: services.tasks });
  return { ...running, services, sockets };
}
