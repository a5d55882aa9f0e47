import { Draining } from "./app/draining.ts";
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

/** A platform gives five seconds and then kills. */
const STOP_MS = 5_000;
/** What is kept of the time for a stop to end what has not ended by itself. */
const ENDING_MS = 1_500;
/** A bus that is away delays the start no longer than this: what is local works without it. */
const CLUSTER_READY_MS = 2_000;

export interface StopOptions {
  /** How long it may take, whatever hangs. Default: 5,000. */
  timeoutMs?: number;
  /**
   * What runs goes on until 1,500 ms before the end of that time, while `/ready` says no and new
   * answers and sockets are refused. Default: false.
   */
  letsFinish?: boolean;
}

/** A server that runs. */
export interface App extends AsyncDisposable {
  /** `http://host:port/base`, as a client on this machine reaches it. */
  readonly url: string;
  readonly instanceId: string;
  readonly services: Services;
  readonly sockets: Sockets;
  /** Resolves when a newer version has brought the store into its form: this one must end. */
  readonly outdated: Promise<AppError>;
  /** Ends the tasks, closes the sockets and all else. Called again, nothing is let go on any more. */
  stop(options?: StopOptions): Promise<void>;
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
  const draining = new Draining();
  const checks = readinessChecks(services, sweeper, draining);
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
  const outdated = Promise.withResolvers<AppError>();
  stack.use(watchSchema(foundation.store, outdated.resolve));
  sweeper.start();
  const { host, port } = await sockets.server.listen({
    host: config.host,
    port: config.port,
    onRequest: draining.counting(onRequest),
  });

  let stopped: Promise<void> | undefined;
  const hurry = new AbortController();
  const stop = ({ timeoutMs = STOP_MS, letsFinish = false }: StopOptions = {}) => {
    if (!letsFinish || stopped !== undefined) hurry.abort();
    return stopped ??= stopInOrder({
      ...{ services, sockets, draining, stack, logger, timeoutMs },
      hurry: hurry.signal,
    });
  };
  return {
    url: `http://${isAnyAddress(host) ? "localhost" : host}:${port}${config.basePath}`,
    instanceId: foundation.instanceId,
    services,
    sockets,
    outdated: outdated.promise,
    stop,
    [Symbol.asyncDispose]: () => stop(),
  };
}

interface Stopping {
  services: Services;
  sockets: Sockets;
  draining: Draining;
  stack: AsyncDisposableStack;
  logger: Logger;
  timeoutMs: number;
  /** Ends the wait for what runs. */
  hurry: AbortSignal;
}

/** Sockets stay open while the tasks end, so that clients hear how. */
async function stopInOrder(stopping: Stopping): Promise<void> {
  const { services: { tasks }, sockets: { server }, draining, stack, logger } = stopping;
  const endAtMs = performance.now() + stopping.timeoutMs;
  const leftMs = () => Math.max(300, endAtMs - performance.now());
  draining.begin();
  server.stopAccepting();
  try {
    const waitMs = Math.max(0, stopping.timeoutMs - ENDING_MS);
    await draining.whenIdle({ running: () => tasks.size, waitMs, hurry: stopping.hurry });
    const drained = await tasks.drain({ timeoutMs: 0.4 * leftMs() });
    if (!drained) logger.warn("tasks did not end in time", { tasks: tasks.size });
    await server.close({ timeoutMs: Math.min(1_000, 0.5 * leftMs()) });
  } catch (thrown) {
    logger.warn("not everything ended cleanly", { error: errorText(thrown) });
  }
  const disposed = stack.disposeAsync().catch((thrown) => {
    logger.warn("not everything closed cleanly", { error: errorText(thrown) });
  });
  if (!await settledWithin(disposed, leftMs())) logger.warn("the stop took too long");
}

const isAnyAddress = (host: string) => host === "0.0.0.0" || host === "::";
