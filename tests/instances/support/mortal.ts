/** One of a house's servers as a process of its own: the one that dies. */
import { type ServerProcess, startServerProcess } from "../../support/server_process.ts";
import { until } from "../../support/until.ts";
import type { House } from "./house.ts";

/** Short enough that what a dead instance leaves behind is gone while the test waits. */
export const SESSION_TIMEOUT_S = 4;
export const MORTAL_ENV = {
  SESSION_TIMEOUT: String(SESSION_TIMEOUT_S),
  WEBSOCKET_HEARTBEAT_INTERVAL: "1",
};

/** Starts a process beside the house's first server, and waits until they know each other. */
export async function startMortal({ a, env }: House): Promise<ServerProcess> {
  const process = await startServerProcess(env);
  await until(async () => await a.sockets.io.of("/").adapter.serverCount() === 2, {
    what: "the process to be met",
    limitMs: 10_000,
  });
  return process;
}
