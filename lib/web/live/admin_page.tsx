import { useEffect, useRef, useState } from "preact/hooks";
import { messageOf } from "../../client/errors.ts";
import type { SystemStatus } from "../../protocol/system_status.ts";
import { confirm } from "../ui/dialogs.tsx";
import type { AppSession } from "../app_session.ts";
import { Spark } from "./spark.tsx";
import { ErrorState, Loading } from "../ui/states.tsx";
import { when } from "../ui/times.ts";
import { toast } from "../ui/toasts.tsx";

const EVERY_MS = 2_000;
/** Five minutes. */
const MAX_READINGS = 150;

interface Reading {
  atMs: number;
  view: SystemStatus;
}

/** The running system: who is here, what is being done, and how hard it is. */
export function AdminPage({ session }: { session: AppSession }) {
  const { readings, error, reload } = useReadings(session);
  const last = readings.at(-1)?.view;
  return (
    <main tabIndex={-1}>
      <h1 class="bar">Live view</h1>
      <div class="scroll" tabIndex={0} role="region" aria-label="Live view">
        <div class="sheet wide">
          {error !== undefined && <ErrorState text={error} onRetry={reload} />}
          {!last && error === undefined && <Loading what="the live view" />}
          {last && (
            <>
              <Tiles readings={readings} view={last} />
              <Tasks session={session} tasks={last.tasks} onStopped={reload} />
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

/** Reads every two seconds, and only while somebody looks. */
function useReadings(session: AppSession) {
  const [readings, setReadings] = useState<readonly Reading[]>([]);
  const [error, setError] = useState<string>();
  const load = useRef<() => void>(() => {});
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>;
    let isEnded = false;
    const read = async () => {
      clearTimeout(timer);
      try {
        if (document.visibilityState === "visible") {
          const view = await session.api("GET /api/v1/live");
          if (isEnded) return;
          const reading = { atMs: performance.now(), view };
          // Another instance may have answered: its counters are others.
          setReadings((before) =>
            [...before.filter((one) => one.view.instance_id === view.instance_id), reading]
              .slice(-MAX_READINGS)
          );
          setError(undefined);
        }
      } catch (thrown) {
        if (!isEnded) setError(messageOf(thrown));
      }
      if (!isEnded) timer = setTimeout(read, EVERY_MS);
    };
    load.current = () => void read();
    void read();
    return () => {
      isEnded = true;
      clearTimeout(timer);
    };
  }, [session]);
  return { readings, error, reload: () => load.current() };
}

/** How fast a counter rises, a second. */
function rates(readings: readonly Reading[], of: (view: SystemStatus) => number): number[] {
  return readings.slice(1).map(({ atMs, view }, at) => {
    const before = readings[at];
    return before ? Math.max(0, of(view) - of(before.view)) * 1000 / (atMs - before.atMs) : 0;
  });
}

function Tiles({ readings, view }: { readings: readonly Reading[]; view: SystemStatus }) {
  const values = (of: (view: SystemStatus) => number) => readings.map(({ view }) => of(view));
  const lag = readings.slice(1).map(({ view }, at) => {
    const before = readings[at]?.view.lag ?? { sum_ms: 0, count: 0 };
    const count = view.lag.count - before.count;
    return count > 0 ? (view.lag.sum_ms - before.sum_ms) / count : 0;
  });
  const events = rates(readings, ({ events }) => events);
  const sent = rates(readings, ({ bytes_sent }) => bytes_sent / 1024);
  const trips = rates(readings, ({ store_round_trips }) => store_round_trips);
  return (
    <div class="tiles">
      <Tile
        title="Sessions"
        value={view.sessions}
        note={view.users === 1 ? "1 person" : `${view.users} people`}
        line={values(({ sessions }) => sessions)}
      />
      <Tile
        title="Instances"
        value={view.instances.length}
        line={values(({ instances }) => instances.length)}
      />
      <Tile
        title="Running tasks"
        value={view.tasks.length}
        line={values(({ tasks }) => tasks.length)}
      />
      <Tile
        title="Open documents"
        value={view.documents}
        line={values(({ documents }) => documents)}
      />
      <Tile title="Events in" value={events.at(-1) ?? 0} note="a second" line={events} />
      <Tile title="Sent" value={sent.at(-1) ?? 0} note="KiB a second" line={sent} />
      <Tile title="Store requests" value={trips.at(-1) ?? 0} note="a second" line={trips} />
      <Tile title="Event loop lag" value={lag.at(-1) ?? 0} note="ms" line={lag} />
    </div>
  );
}

const short = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });

function Tile(
  { title, value, note, line }: { title: string; value: number; note?: string; line: number[] },
) {
  return (
    <section class="tile">
      <h2>{title}</h2>
      <b>
        {short.format(value)} {note && <small>{note}</small>}
      </b>
      <Spark values={line} label={`${title} over the last minutes`} />
    </section>
  );
}

interface TasksProps {
  session: AppSession;
  tasks: SystemStatus["tasks"];
  onStopped: () => void;
}

function Tasks({ session, tasks, onStopped }: TasksProps) {
  async function stop(id: string) {
    const message = "What it has written so far is kept.";
    if (!await confirm({ title: "Stop this task?", message, yes: "Stop it" })) return;
    try {
      await session.api("POST /api/tasks/stop/{id}", { params: { id } });
      toast("Stopped.", "success");
    } catch (thrown) {
      toast(messageOf(thrown), "error");
    }
    onStopped();
  }
  return (
    <section class="card" aria-labelledby="tasks-title">
      <h2 id="tasks-title">Running tasks</h2>
      {tasks.length === 0 ? <p class="hint">Nothing runs at the moment.</p> : (
        <table class="rows">
          <thead>
            <tr>
              <th>Kind</th>
              <th>Who</th>
              <th>For</th>
              <th>Since</th>
              <th>
                <span class="sr-only">Stop</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {tasks.map(({ id, kind, user_name, item_id, started_at }) => (
              <tr key={id}>
                <td>{kind}</td>
                <td>{user_name ?? "nobody any more"}</td>
                <td>
                  <code>{item_id.slice(0, 13)}</code>
                </td>
                <td>{when(started_at)}</td>
                <td>
                  <button type="button" class="quiet danger" onClick={() => stop(id)}>Stop</button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
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
            <th>Started</th>
            <th>Last sign of life</th>
          </tr>
        </thead>
        <tbody>
          {view.instances.map(({ id, host, started_at, heartbeat_at }) => (
            <tr key={id}>
              <td>
                <code>{id.slice(0, 8)}</code>
                {id === view.instance_id && " (answers here)"}
              </td>
              <td>{host ?? "unknown"}</td>
              <td>{when(started_at)}</td>
              <td>{Math.max(0, Math.round(Date.now() / 1000 - heartbeat_at))} s ago</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Rooms({ view }: { view: SystemStatus }) {
  return (
    <section class="card" aria-labelledby="rooms-title">
      <h2 id="rooms-title">Rooms of this instance ({view.room_count})</h2>
      <table class="rows">
        <thead>
          <tr>
            <th>Room</th>
            <th>Sessions</th>
          </tr>
        </thead>
        <tbody>
          {view.rooms.map(({ name, size }) => (
            <tr key={name}>
              <td>
                <code>{name}</code>
              </td>
              <td>{size}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
