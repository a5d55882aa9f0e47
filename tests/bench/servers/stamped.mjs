/** What the servers of the section `instances` add to their control: events that say when they left. */
import { performance } from "node:perf_hooks";

/** Milliseconds since 1970 with their fraction: the same in all processes of a machine. */
export function sharedNowMs() {
  return performance.timeOrigin + performance.now();
}

/**
 * The server for `obey`: its events carry `sentAtMs`, and `gather` is about its own sockets only, as
 * nobody else's are to be asked.
 *
 * @param {import("socket.io").Server} io
 */
export function stamping(io) {
  return {
    socketsJoin: (room) => io.local.socketsJoin(room),
    to: (room) => ({
      emit: (event, payload) => io.to(room).emit(event, { ...payload, sentAtMs: sharedNowMs() }),
    }),
  };
}
