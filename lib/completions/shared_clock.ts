/** How exact a time is, in milliseconds: what is due within it is done in one turn. */
const TICK_MS = 10;

interface Appointment {
  dueMs: number;
  wake(): void;
}

/**
 * One timer for all who wait for a moment: whatever is due by a tick is done in one turn of the event
 * loop, where a timer of one's own costs a turn each. It ticks only while somebody waits.
 */
export class SharedClock {
  readonly #waiting = new Set<Appointment>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Calls `wake` at the time of `performance.now()` or a tick later. Returns how to call it off. */
  at(dueMs: number, wake: () => void): () => void {
    const appointment = { dueMs, wake };
    this.#waiting.add(appointment);
    this.#timer ??= setTimeout(this.#tick, TICK_MS);
    return () => {
      this.#waiting.delete(appointment);
      if (this.#waiting.size > 0) return;
      clearTimeout(this.#timer);
      this.#timer = undefined;
    };
  }

  readonly #tick = () => {
    this.#timer = undefined;
    const nowMs = performance.now();
    for (const appointment of this.#waiting) {
      if (appointment.dueMs > nowMs) continue;
      this.#waiting.delete(appointment);
      appointment.wake();
    }
    if (this.#waiting.size > 0) this.#timer ??= setTimeout(this.#tick, TICK_MS);
  };
}

/** The clock of this instance's streams. */
export const streamClock = new SharedClock();
