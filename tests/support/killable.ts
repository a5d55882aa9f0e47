/** One of several servers as a process of its own: the one that is killed. */
import { type ServerProcess, startServerProcess } from "./server_process.ts";
import { until } from "./until.ts";
import type { Instances } from "./instances.ts";

/** Short enough that what a dead instance leaves behind is gone while the test waits. */
export const SESSION_TIMEOUT_S = 4;
export const KILLABLE_ENV = {
  SESSION_TIMEOUT: String(SESSION_TIMEOUT_S),
  WEBSOCKET_HEARTBEAT_INTERVAL: "1",
};

/** Starts a process beside the first server, and waits until they know each other. */
export async function startKillable({ a, env }: Instances): Promise<ServerProcess> {
  const process = await startServerProcess(env);
  await until(async () => await a.sockets.io.of("/").adapter.serverCount() === 2, {
    what: "the process to be met",
  });
  return process;
}
