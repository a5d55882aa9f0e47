/**
 * What Deno's WebSocket does not offer: an end without the peer's consent.
 *
 * `close()` waits for the peer's close frame, for as long as the peer likes, and keeps every buffer until then. The node
 * socket that was handed over can't help: Deno duplicates its descriptor and closes the original. What is left is to close
 * the WebSocket's resource, by an id that it keeps under a symbol. All of this is private to the runtime, so it stands
 * here alone, is checked before a server starts, and `engine_internals_test.ts` fails when a runtime changes it.
 */
interface Core {
  tryClose(resourceId: number): void;
}

function core(): Core | undefined {
  const deno = Deno as unknown as Record<symbol, unknown>;
  const key = Object.getOwnPropertyDescriptor(Deno, "internal")?.value;
  const internal = typeof key === "symbol" ? deno[key] as { core?: Core } | undefined : undefined;
  return typeof internal?.core?.tryClose === "function" ? internal.core : undefined;
}

let resourceIdKey: symbol | undefined;

function resourceIdOf(websocket: WebSocket): number | undefined {
  resourceIdKey ??= Object.getOwnPropertySymbols(websocket)
    .find((symbol) => symbol.description === "[[rid]]");
  if (resourceIdKey === undefined) return undefined;
  const id = (websocket as unknown as Record<symbol, unknown>)[resourceIdKey];
  return typeof id === "number" ? id : undefined;
}

/** Whether this runtime lets a WebSocket be ended at once. */
export function canDestroyWebSockets(): boolean {
  return core() !== undefined;
}

/** Ends a WebSocket at once: its TCP connection is closed and its buffers are freed. */
export function destroyWebSocket(websocket: WebSocket): void {
  const id = resourceIdOf(websocket);
  if (id === undefined) websocket.close();
  else core()?.tryClose(id);
}
