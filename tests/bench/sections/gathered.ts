import { Crowd } from "../load/crowd.ts";
import type { Tokens } from "../load/tokens.ts";
import type { ServerProcess } from "../measure/server_process.ts";
import { until } from "../../support/until.ts";

/** Waits until the server has signed in as many sockets. */
export async function untilSignedIn(server: ServerProcess, count: number): Promise<void> {
  await until(async () => (await server.ask({ do: "sockets" })).count === count, {
    limitMs: 60_000,
    what: `${count} sockets of ${server.peer.id} to be signed in`,
  });
}

/** A crowd of signed-in sockets, all of them in the bench's room. */
export async function gather(server: ServerProcess, tokens: Tokens, size: number): Promise<Crowd> {
  const crowd = await Crowd.connect(server, tokens, size);
  await untilSignedIn(server, size);
  await server.ask({ do: "gather" });
  return crowd;
}
