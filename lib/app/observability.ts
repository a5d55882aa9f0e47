import { AppError, errorText } from "../common/errors.ts";
import { watchEventLoop } from "../common/event_loop.ts";
import type { Logger } from "../common/logger.ts";
import { type Durations, Metrics } from "../common/metrics.ts";
import type { ReadinessCheck } from "../http/operations.ts";
import type { Sweeper } from "../sessions/sweeper.ts";
import type { Draining } from "./draining.ts";
import type { Foundation } from "./foundation.ts";
import type { Presence } from "./presence.ts";
import type { Services } from "./services.ts";
import type { Sockets } from "./sockets.ts";

const STORE_TIMEOUT_MS = 1_500;
/** An idle server that looks fifty times a second spends more on looking than on its sockets. */
const LAG_EVERY_MS = 250;

/** What must work before an instance takes traffic. */
export function readinessChecks(
  { store, bus }: Foundation,
  { registry }: Pick<Presence, "registry">,
  sweeper: Sweeper,
  draining: Pick<Draining, "isDraining">,
): ReadinessCheck[] {
  const need = (name: string, isGood: () => boolean): ReadinessCheck => ({
    name,
    check: () =>
      isGood() ? Promise.resolve() : Promise.reject(new AppError("unavailable", `no ${name}`)),
  });
  return [
    { name: "store", check: () => store.ping(STORE_TIMEOUT_MS) },
    need("bus", () => bus.isUp?.() ?? true),
    need("lease", () => registry.alive()),
    need("sweeper", () => sweeper.alive()),
    need("place: it is about to stop", () => !draining.isDraining),
  ];
}

/** One line when a check fails, with the cause in its own words, and one when it holds again. */
export function readinessLog(logger: Logger): (name: string, thrown: unknown) => void {
  return (name, thrown) => {
    if (thrown === undefined) logger.info("ready again", { name });
    else logger.warn("not ready", { name, error: errorText(thrown) });
  };
}

/** Registers what `/metrics` shows; all of it is read at the time of a scrape. */
export function createMetrics(
  { store, cluster, stack }: Foundation,
  { sessions }: Pick<Presence, "sessions">,
  { server, balance, dispatcher, documents }: Pick<
    Sockets,
    "server" | "balance" | "dispatcher" | "documents"
  >,
  { tasks, streams, readers, quotas }: Partial<
    Pick<Services, "tasks" | "streams" | "readers" | "quotas">
  >,
): { metrics: Metrics; lag: Durations } {
  const metrics = new Metrics();
  const lag = metrics.durations("rt_event_loop_lag_seconds", "How late the event loop was");
  stack.use(watchEventLoop({ everyMs: LAG_EVERY_MS, onLag: (lagMs) => lag.add(lagMs) }));
  metrics.gauges("rt_transport", "Sockets, packets, bytes and cuts of the transport", () => {
    const { refusals: _, ...numbers } = server.stats();
    return numbers;
  });
  metrics.gauges(
    "rt_balance",
    "Sockets of people who have signed in: here, and the mean of all instances",
    () => ({ ...balance.stats() }),
  );
  metrics.counts(
    "rt_connection_refusals_total",
    "Connections refused",
    "reason",
    () => ({ ...server.stats().refusals }),
  );
  metrics.counts(
    "rt_events_total",
    "Events handled",
    "event",
    () => Object.fromEntries(dispatcher.stats().events),
  );
  metrics.counts(
    "rt_event_refusals_total",
    "Events refused",
    "code",
    () => Object.fromEntries(dispatcher.stats().refusals),
  );
  metrics.gauges(
    "rt_cluster",
    "Messages and characters between instances, and how many there are",
    async () => ({ ...await cluster.stats() }),
  );
  metrics.gauge("rt_sessions", "Sessions of this instance", () => sessions.size);
  if (tasks) metrics.gauge("rt_tasks", "Tasks that run here", () => tasks.size);
  if (streams) {
    metrics.gauge("rt_streams", "Streams kept for those who come back", () => streams.size);
    metrics.gauge("rt_stream_bytes", "Text of answers kept in memory", () => streams.bytes);
  }
  if (readers) {
    metrics.gauges(
      "rt_answer_readers",
      "Answers that are read over HTTP: now, begun and refused since the start",
      () => readers.stats(),
    );
  }
  if (quotas) {
    metrics.counts(
      "rt_quota_refusals_total",
      "Writes refused because their user has as much as one may have",
      "limit",
      () => quotas.refusals,
    );
  }
  metrics.gauges(
    "rt_documents",
    "Documents open here, what they take, work that waits for a thread, threads that died of it",
    () => ({ open: documents.size, bytes: documents.weight, ...documents.digester.stats() }),
  );
  metrics.counts("rt_store_round_trips_total", "Requests sent to the store", "store", () => ({
    [store.name]: store.stats().roundTrips,
  }));
  return { metrics, lag };
}
