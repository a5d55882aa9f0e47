import type { SystemStatus } from "../../protocol/system_status.ts";
import type { AppSession } from "../app_session.ts";
import { ErrorState, Loading } from "../ui/states.tsx";
import { when } from "../ui/times.ts";
import { Chart } from "./chart.tsx";
import { Passing, People, Rooms } from "./connected.tsx";
import { rates, type Reading, useReadings } from "./readings.ts";
import { Tasks } from "./tasks.tsx";

/** The running system: who is here, what is being done, and how hard it is. */
export function AdminPage({ session }: { session: AppSession }) {
  const { readings, passing, error, reload } = useReadings(session);
  const last = readings.at(-1)?.view;
  return (
    <main tabIndex={-1}>
      <h1 class="bar">Live view</h1>
      <div class="scroll" tabIndex={0} role="region" aria-label="Live view">
        <div class="sheet wide">
          {error !== undefined && !last && <ErrorState text={error} onRetry={reload} />}
          {error !== undefined && last && (
            <p class="error" role="alert">This is what was read last: {error}</p>
          )}
          {!last && error === undefined && <Loading what="the live view" />}
          {last && (
            <>
              <Charts readings={readings} view={last} />
              <Tasks session={session} readings={readings} onStopped={reload} />
              <div class="beside">
                <People people={last.people} />
                <Passing events={passing} />
              </div>
              <Models models={last.models} />
              <Instances view={last} />
              <Rooms view={last} />
            </>
          )}
        </div>
      </div>
    </main>
  );
}

function Charts({ readings, view }: { readings: readonly Reading[]; view: SystemStatus }) {
  const values = (of: (view: SystemStatus) => number) => readings.map(({ view }) => of(view));
  const lag = readings.slice(1).map(({ view }, at) => {
    const before = readings[at]?.view.lag ?? { sum_ms: 0, count: 0 };
    const count = view.lag.count - before.count;
    return count > 0 ? Math.max(0, view.lag.sum_ms - before.sum_ms) / count : 0;
  });
  const spanMs = (readings.at(-1)?.atMs ?? 0) - (readings[0]?.atMs ?? 0);
  const CHARTS = [
    {
      title: "Sessions",
      note: view.users === 1 ? "1 person" : `${view.users} people`,
      values: values(({ sessions }) => sessions),
    },
    { title: "Running tasks", values: values(({ tasks }) => tasks.length) },
    { title: "Open documents", values: values(({ documents }) => documents) },
    { title: "Events in", unit: "a second", values: rates(readings, ({ events }) => events) },
    {
      title: "Sent",
      unit: "KiB a second",
      values: rates(readings, ({ bytes_sent }) => bytes_sent / 1024),
    },
    {
      title: "Store requests",
      unit: "a second",
      values: rates(readings, ({ store_round_trips }) => store_round_trips),
    },
    { title: "Event loop lag", unit: "ms", values: lag },
    { title: "Instances", values: values(({ instances }) => instances.length) },
  ];
  return (
    <div class="tiles">
      {CHARTS.map((chart) => <Chart key={chart.title} {...chart} spanMs={spanMs} />)}
    </div>
  );
}

function Models({ models }: { models: string[] }) {
  return (
    <section class="card" aria-labelledby="models-title">
      <h2 id="models-title">Models in use</h2>
      {models.length === 0
        ? <p class="hint">None at the moment.</p>
        : <ul class="chips">{models.map((id) => <li key={id}>{id}</li>)}</ul>}
    </section>
  );
}

function Instances({ view }: { view: SystemStatus }) {
  return (
    <section class="card" aria-labelledby="instances-title">
      <h2 id="instances-title">Instances</h2>
      <table class="rows">
        <thead>
          <tr>
            <th>Instance</th>
            <th>Host</th>
            <th>Sessions</th>
            <th>Started</th>
            <th>Last sign of life</th>
          </tr>
        </thead>
        <tbody>
          {view.instances.map(({ id, host, sessions, started_at, heartbeat_at }) => (
            <tr key={id}>
              <td data-label="Instance">
                <code>{id.slice(0, 8)}</code>
                {id === view.instance_id && " (answers here)"}
              </td>
              <td data-label="Host">{host ?? "unknown"}</td>
              <td data-label="Sessions">{sessions ?? "does not answer"}</td>
              <td data-label="Started">{when(started_at)}</td>
              <td data-label="Last sign of life">
                {Math.max(0, Math.round(Date.now() / 1000 - heartbeat_at))} s ago
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
