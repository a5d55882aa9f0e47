import type { IncomingMessage, ServerResponse } from "node:http";
import { AppError } from "../common/errors.ts";
import { pause } from "../common/pause.ts";

type Listener = (req: IncomingMessage, res: ServerResponse) => void;

/** When whoever was refused may try again: another instance takes it at once. */
const RETRY_AFTER_MS = 1_000;
const LOOK_EVERY_MS = 20;

/** The time between the signal to stop and the end: what runs goes on, what is new goes elsewhere. */
export class Draining {
  #isDraining = false;
  #requests = 0;

  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** HTTP requests that are being answered. */
  get requests(): number {
    return this.#requests;
  }

  /** @throws {AppError} `unavailable` once the stop has begun: nothing was done, and others can. */
  requireOpen(): void {
    if (!this.#isDraining) return;
    throw new AppError("unavailable", "This server is about to stop: try again.", {
      retryAfterMs: RETRY_AFTER_MS,
    });
  }

  /** The listener, with its requests counted; while draining, none comes after it on a connection. */
  counting(listener: Listener): Listener {
    return (req, res) => {
      this.#requests++;
      res.once("close", () => this.#requests--);
      if (this.#isDraining) res.setHeader("Connection", "close");
      listener(req, res);
    };
  }

  begin(): void {
    this.#isDraining = true;
  }

  /** Waits until nothing runs any more, for `waitMs` at the most, and until somebody is in a hurry. */
  async whenIdle(
    { running, waitMs, hurry }: { running: () => number; waitMs: number; hurry: AbortSignal },
  ): Promise<void> {
    const endAtMs = performance.now() + waitMs;
    while (running() + this.#requests > 0 && !hurry.aborted && performance.now() < endAtMs) {
      await pause(LOOK_EVERY_MS, hurry);
    }
  }
}
