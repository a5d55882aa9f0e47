import { attempt, Listeners } from "./listeners.ts";

/**
 * How something came back after a break. `whole`: it went on where it was, and nothing is missing.
 * `anew`: what there is now was read, and what was before does not lead up to it. `failed`: it could
 * not be read.
 */
export type CaughtUp = "whole" | "anew" | "failed";

/** What is to be said of several together. */
export function worst(all: readonly unknown[]): CaughtUp {
  return all.includes("failed") ? "failed" : all.includes("anew") ? "anew" : "whole";
}

const OUTCOMES = { whole: "resumed", anew: "reloaded", failed: "failed" } as const;

/** What became of a break of the connection. */
export interface Comeback {
  /**
   * `resumed`: all that is followed went on, and nothing was lost. `reloaded`: of some of it a part is
   * missing, or it is another one now. `failed`: some of it could not be read.
   */
  readonly outcome: "resumed" | "reloaded" | "failed";
  /** How long there was no session, in milliseconds. */
  readonly awayMs: number;
}

/**
 * Hears that a session is there. Who has something to catch up on returns a promise of a
 * {@linkcode CaughtUp}; who returns anything else has no part in what is told.
 */
export type OnlineListener = () => unknown;

/** Who catches up when the connection is back, and what became of all of them. */
export class Comebacks {
  readonly #listeners = new Set<OnlineListener>();
  readonly #told = new Listeners<Comeback>();
  #awaySinceMs: number | undefined;
  #round = 0;

  add(listener: OnlineListener): () => void {
    const own: OnlineListener = () => listener();
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  onComeback(listener: (comeback: Comeback) => void): () => void {
    return this.#told.add(listener);
  }

  /** There was a session, and it has gone. */
  gone(): void {
    this.#round++;
    this.#awaySinceMs ??= Date.now();
  }

  /** There is a session: everybody catches up. What becomes of it is told, if there was a break. */
  back(): void {
    const round = ++this.#round;
    const sinceMs = this.#awaySinceMs;
    const awayMs = Date.now() - (sinceMs ?? 0);
    const work: Promise<unknown>[] = [];
    for (const listener of [...this.#listeners]) {
      attempt(() => {
        const caughtUp = listener();
        if (caughtUp instanceof Promise) work.push(caughtUp.catch(() => "failed"));
      });
    }
    if (sinceMs === undefined) return;
    void Promise.all(work).then((found) => {
      // Gone again meanwhile: the next time says what became of it.
      if (round !== this.#round) return;
      this.#awaySinceMs = undefined;
      this.#told.tell({ outcome: OUTCOMES[worst(found)], awayMs });
    });
  }
}
