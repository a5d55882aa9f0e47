import type { ConnectedPerson, PassingEvent, SystemStatus } from "../../protocol/system_status.ts";
import { Face } from "../channels/face.tsx";
import { when } from "../ui/times.ts";
import { keyOf } from "./readings.ts";

const tabs = (count: number) => count === 1 ? "1 tab" : `${count} tabs`;

/** Who is connected, each with their tabs and what those look at. */
export function People({ people }: { people: readonly ConnectedPerson[] }) {
  return (
    <section class="card" aria-labelledby="here-title">
      <h2 id="here-title">People and their tabs</h2>
      {people.length === 0 && <p class="hint">Nobody is connected.</p>}
      <ul class="connected">
        {people.map((person) => (
          <li key={person.id}>
            <Face id={person.id} name={person.name} />
            <div>
              <strong dir="auto">{person.name}</strong>{" "}
              <span class="hint">{tabs(person.tab_count)}</span>
              <ul>
                {person.tabs.map(({ since, instance_id, rooms }, at) => (
                  <li key={at} class="hint">
                    since {when(since)} at <code>{instance_id.slice(0, 8)}</code>
                    {rooms.length > 0 && `: ${rooms.map(({ title }) => title).join(", ")}`}
                  </li>
                ))}
              </ul>
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** The largest rooms, by what they are called. */
export function Rooms({ view }: { view: SystemStatus }) {
  return (
    <section class="card" aria-labelledby="rooms-title">
      <h2 id="rooms-title">Rooms ({view.room_count})</h2>
      <table class="rows">
        <thead>
          <tr>
            <th>Room</th>
            <th>What it is</th>
            <th>Sessions</th>
          </tr>
        </thead>
        <tbody>
          {view.rooms.map(({ name, title, size }) => (
            <tr key={name}>
              <td data-label="Room" dir="auto">{title}</td>
              <td data-label="What it is">{kindOf(name)}</td>
              <td data-label="Sessions">{size}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

const KINDS: Record<string, string> = {
  user: "one person's sessions",
  channel: "members of a channel",
  viewers: "who looks at a channel",
  chat: "who looks at a chat",
  note: "who reads a note",
  doc_note: "who edits a note",
  admins: "all admins",
};
const kindOf = (room: string) => KINDS[room.split(":")[0] ?? ""] ?? "a room";

const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });

/** What sessions say, as it passes. */
export function Passing({ events }: { events: readonly PassingEvent[] }) {
  return (
    <section class="card" aria-labelledby="passing-title">
      <h2 id="passing-title">Events as they pass</h2>
      {events.length === 0 && <p class="hint">Nothing has passed since you came.</p>}
      <ol class="passing" tabIndex={0} aria-labelledby="passing-title">
        {events.map((event) => (
          <li key={keyOf(event)}>
            <time>{clock.format(event.at)}</time> <code>{event.event}</code>{" "}
            <span dir="auto">{event.user_name}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}
