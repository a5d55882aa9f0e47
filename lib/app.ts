import { layFoundation } from "./app/foundation.ts";
import { createMetrics, createSystemStatus, readinessChecks } from "./app/observability.ts";
import { createRoutes } from "./app/routes.ts";
import { openServices, type Services, startServices } from "./app/services.ts";
import { followAccess, openSockets, type Sockets } from "./app/sockets.ts";
import { createSweeper } from "./app/sweeps.ts";
import { settledWithin } from "./common/deadline.ts";
import { type AppError, errorText } from "./common/errors.ts";
import type { Logger } from "./common/logger.ts";
import type { Config } from "./config.ts";
import { watchSchema } from "./state/schema.ts";

/** How the time of a stop is spent: a platform gives five seconds and then kills. */
const DRAIN_MS = 1_500;
const CLOSE_MS = 1_000;
const DISPOSE_MS = 1_500;
/** A bus that is away delays the start no longer than this: what is local works without it. */
const CLUSTER_READY_MS = 2_000;

/** A server that runs. */
export interface App extends AsyncDisposable {
  /** `http://host:port`, as a client on this machine reaches it. */
  readonly url: string;
  readonly instanceId: string;
  readonly services: Services;
  readonly sockets: Sockets;
  /** Resolves when a newer version has brought the store into its form: this one must end. */
  readonly outdated: Promise<AppError>;
  /**
   * Takes no more sockets, ends the tasks, tells the clients, flushes and closes: within five
   * seconds, whatever hangs. Called again, it waits for the same stop.
   */
  stop(): Promise<void>;
}

/**
 * Starts a server: opens the store, ties the parts, and listens once all of them work.
 *
 * Throws `AppError("unavailable")` when the store can't be opened, `"conflict"` when a newer version has
 * written it; nothing stays open then.
 */
export async function startApp(config: Config, logger: Logger): Promise<App> {
  const stack = new AsyncDisposableStack();
  try {
    return await assemble(config, logger, stack);
  } catch (thrown) {
    await stack.disposeAsync();
    throw thrown;
  }
}

/** A server of its own: everything is made first, then tied, then started. */
async function assemble(config: Config, logger: Logger, stack: AsyncDisposableStack): Promise<App> {
  const foundation = await layFoundation(config, logger, stack);
  const services = await openServices(foundation);
  const sockets = openSockets(foundation, services);
  const sweeper = createSweeper(foundation, services, sockets);
  const { metrics, lag } = createMetrics(foundation, services, sockets);
  const checks = readinessChecks(services, sweeper);
  const systemStatus = createSystemStatus(foundation, services, sockets, lag);
  const onRequest = createRoutes({
    config,
    logger,
    services,
    sockets,
    metrics,
    systemStatus,
    checks,
  });

  const [isHeard] = await Promise.all([
    foundation.cluster.ready(CLUSTER_READY_MS),
    followAccess(foundation, services, sockets),
    startServices(services),
  ]);
  if (!isHeard) logger.warn("other instances are not heard yet");
  const outdated = Promise.withResolvers<AppError>();
  stack.use(watchSchema(foundation.store, outdated.resolve));
  sweeper.start();
  const { host, port } = await sockets.server.listen({
    host: config.host,
    port: config.port,
    onRequest,
  });

  let stopped: Promise<void> | undefined;
  const stop = () => stopped ??= stopInOrder(services, sockets, stack, logger);
  return {
    url: `http://${isAnyAddress(host) ? "localhost" : host}:${port}`,
    instanceId: foundation.instanceId,
    services,
    sockets,
    outdated: outdated.promise,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** Sockets stay open while the tasks end, so that clients hear how. */
async function stopInOrder(
  { tasks }: Services,
  { server }: Sockets,
  stack: AsyncDisposableStack,
  logger: Logger,
): Promise<void> {
  server.stopAccepting();
  try {
    const drained = await tasks.drain({ timeoutMs: DRAIN_MS });
    if (!drained) logger.warn("tasks did not end in time", { tasks: tasks.size });
    await server.close({ timeoutMs: CLOSE_MS });
  } catch (thrown) {
    logger.warn("not everything ended cleanly", { error: errorText(thrown) });
  }
  const disposed = stack.disposeAsync().catch((thrown) => {
    logger.warn("not everything closed cleanly", { error: errorText(thrown) });
  });
  if (!await settledWithin(disposed, DISPOSE_MS)) logger.warn("the stop took too long");
}

const isAnyAddress = (host: string) => host === "0.0.0.0" || host === "::";
