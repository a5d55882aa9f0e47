import { settledWithin } from "../common/deadline.ts";
import { pause } from "../common/pause.ts";

const LOOK_EVERY_MS = 5;
/** What the runtime gets to report the sockets closed that were destroyed. */
const AFTER_DESTROY_MS = 250;

/** What a server can be told on its way out. */
export interface Closing {
  closePort(): Promise<void>;
  closeSockets(): void;
  /** Connections that haven't ended. */
  remaining(): number;
  closeServices(): Promise<void>;
  destroyRemaining(): void;
}

/** Closes in order, and is done after `timeoutMs` whatever the peers do. */
export async function shutDown(closing: Closing, timeoutMs: number): Promise<void> {
  const end = performance.now() + timeoutMs;
  const portClosed = closing.closePort();
  closing.closeSockets();
  await drained(() => closing.remaining() === 0, end);
  await settledWithin(closing.closeServices(), Math.max(AFTER_DESTROY_MS, end - performance.now()));
  closing.destroyRemaining();
  await settledWithin(portClosed, AFTER_DESTROY_MS);
}

async function drained(isDone: () => boolean, endMs: number): Promise<void> {
  while (!isDone() && performance.now() < endMs) {
    await pause(LOOK_EVERY_MS);
  }
}
