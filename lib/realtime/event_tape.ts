import type { PassingEvent } from "../protocol/system_status.ts";

/** How long after the last look events are still kept, in milliseconds. */
const WATCHED_MS = 10_000;
/** What is kept; older ones have passed. */
const MAX_EVENTS = 60;

type Kept = Omit<PassingEvent, "instance_id">;

/** The last events of this instance's sessions, kept only while somebody looks at them. */
export class EventTape {
  #events: Kept[] = [];
  #seq = 0;
  #watchedUntilMs = -Infinity;

  /** Called for each event: costs a comparison while nobody looks. */
  note(event: string, userName: string): void {
    if (performance.now() > this.#watchedUntilMs) return;
    this.#events.push({ seq: ++this.#seq, at: Date.now(), event, user_name: userName });
    if (this.#events.length >= 2 * MAX_EVENTS) this.#events = this.#events.slice(-MAX_EVENTS);
  }

  /** What has passed; from now on more is kept. */
  look(): Kept[] {
    const nowMs = performance.now();
    if (nowMs > this.#watchedUntilMs) this.#events = [];
    this.#watchedUntilMs = nowMs + WATCHED_MS;
    return this.#events.slice(-MAX_EVENTS);
  }
}
