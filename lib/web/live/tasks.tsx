import { messageOf } from "../../client/errors.ts";
import type { AppSession } from "../app_session.ts";
import { confirm } from "../ui/dialogs.tsx";
import { toast } from "../ui/toasts.tsx";
import { shortNumber } from "./chart.tsx";
import { type Reading, speedOf } from "./readings.ts";

interface TasksProps {
  session: AppSession;
  readings: readonly Reading[];
  onStopped(): void;
}

/** What runs: whose it is, which model writes, for how long, and how fast. */
export function Tasks({ session, readings, onStopped }: TasksProps) {
  const tasks = readings.at(-1)?.view.tasks ?? [];
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
              <th>What</th>
              <th>For</th>
              <th>Model</th>
              <th>Since</th>
              <th>Speed</th>
              <th>
                <span class="sr-only">Stop</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {tasks.map(({ id, kind, user_name, title, model, started_at }) => {
              const speed = speedOf(readings, id);
              return (
                <tr key={id}>
                  <td data-label="What">{kind}, {title}</td>
                  <td data-label="For" dir="auto">{user_name ?? "nobody any more"}</td>
                  <td data-label="Model">{model ?? "–"}</td>
                  <td data-label="Since">
                    {Math.max(0, Math.round(Date.now() / 1000 - started_at))} s
                  </td>
                  <td data-label="Speed">
                    {speed === undefined ? "–" : `${shortNumber(speed)} tokens/s`}
                  </td>
                  <td>
                    <button type="button" class="quiet" onClick={() => stop(id)}>
                      Stop <span class="sr-only">the task of {user_name}</span>
                    </button>
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      )}
    </section>
  );
}
