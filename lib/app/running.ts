import type { IncomingMessage, ServerResponse } from "node:http";
import { settledWithin } from "../common/deadline.ts";
import { type AppError, errorText } from "../common/errors.ts";
import { watchSchema } from "../state/schema.ts";
import type { SocketServer } from "../transport/socket_server.ts";
import type { Draining } from "./draining.ts";
import type { Foundation } from "./foundation.ts";

/** A platform gives five seconds and then kills. */
const STOP_MS = 5_000;
/** What is kept of the time for a stop to end what has not ended by itself. */
const ENDING_MS = 1_500;

export interface StopOptions {
  /** How long it may take, whatever hangs. Default: 5,000. */
  timeoutMs?: number;
  /**
   * What runs goes on until 1,500 ms before the end of that time, while `/ready` says no and new
   * answers and sockets are refused. Default: false.
   */
  letsFinish?: boolean;
}

/** A server that runs, whatever it serves. */
export interface Running extends AsyncDisposable {
  /** `http://host:port`, as a client on this machine reaches it. */
  readonly url: string;
  readonly instanceId: string;
  /** How many TCP connections have been accepted. */
  readonly accepted: number;
  /** Resolves when a newer version has brought the store into its form: this one must end. */
  readonly outdated: Promise<AppError>;
  /** Ends the tasks, closes the sockets and all else. Called again, nothing is let go on any more. */
  stop(options?: StopOptions): Promise<void>;
}

/** Starts all of it or nothing: what was opened is closed again when `assemble` throws. */
export async function startWhole<T>(
  assemble: (stack: AsyncDisposableStack) => Promise<T>,
): Promise<T> {
  const stack = new AsyncDisposableStack();
  try {
    return await assemble(stack);
  } catch (thrown) {
    await stack.disposeAsync();
    throw thrown;
  }
}

export interface RunOptions {
  server: SocketServer;
  onRequest: (req: IncomingMessage, res: ServerResponse) => void;
  draining: Draining;
  /** What is ended before the sockets are, so that clients hear how. Default: nothing. */
  tasks?: { readonly size: number; drain(options: { timeoutMs: number }): Promise<boolean> };
}

/** Listens, once all that serves is made and started. */
export async function run(foundation: Foundation, options: RunOptions): Promise<Running> {
  const { config, store, stack, instanceId } = foundation;
  const outdated = Promise.withResolvers<AppError>();
  stack.use(watchSchema(store, outdated.resolve));
  const { host, port } = await options.server.listen({
    host: config.host,
    port: config.port,
    reusePort: config.instances > 1,
    onRequest: options.draining.counting(options.onRequest),
  });
  let stopped: Promise<void> | undefined;
  const hurry = new AbortController();
  const stop = ({ timeoutMs = STOP_MS, letsFinish = false }: StopOptions = {}) => {
    if (!letsFinish || stopped !== undefined) hurry.abort();
    return stopped ??= stopInOrder(foundation, options, { timeoutMs, hurry: hurry.signal });
  };
  return {
    url: `http://${isAnyAddress(host) ? "localhost" : host}:${port}${config.basePath}`,
    instanceId,
    get accepted() {
      return options.server.accepted;
    },
    outdated: outdated.promise,
    stop,
    [Symbol.asyncDispose]: () => stop(),
  };
}

interface Stopping {
  timeoutMs: number;
  /** Ends the wait for what runs. */
  hurry: AbortSignal;
}

/** Sockets stay open while the tasks end, so that clients hear how. */
async function stopInOrder(
  { stack, logger }: Foundation,
  { server, draining, tasks }: RunOptions,
  { timeoutMs, hurry }: Stopping,
): Promise<void> {
  const endAtMs = performance.now() + timeoutMs;
  const leftMs = () => Math.max(300, endAtMs - performance.now());
  draining.begin();
  server.stopAccepting();
  try {
    const waitMs = Math.max(0, timeoutMs - ENDING_MS);
    await draining.whenIdle({ running: () => tasks?.size ?? 0, waitMs, hurry });
    const drained = await tasks?.drain({ timeoutMs: 0.4 * leftMs() });
    if (drained === false) logger.warn("tasks did not end in time", { tasks: tasks?.size });
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
