/**
 * Keeps the process alive when Deno's WebSocket assembles a text that V8 can't hold (about 512 MiB).
 *
 * The runtime reports that as a rejection that nobody can catch, and gives the socket no event: its heartbeat ends it.
 * Every other rejection goes on as it would.
 *
 * @returns what takes the guard away
 */
export function guardStringLimit(onOverrun: () => void): Disposable {
  const guard = (event: PromiseRejectionEvent) => {
    if (!isStringLimit(event.reason)) return;
    event.preventDefault();
    onOverrun();
  };
  globalThis.addEventListener("unhandledrejection", guard);
  return { [Symbol.dispose]: () => globalThis.removeEventListener("unhandledrejection", guard) };
}

/** The words of Deno's runtime; a loop over the socket's events ended with them. */
function isStringLimit(reason: unknown): boolean {
  return reason instanceof TypeError && reason.message.startsWith("failed to allocate string");
}
