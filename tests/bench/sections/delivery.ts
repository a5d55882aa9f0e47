/** What it costs to deliver an event of 300 bytes to each of 300 sockets of a room. */
import { interleaved } from "../measure/rounds.ts";
import type { ServerProcess } from "../measure/server_process.ts";
import type { Crowd } from "../load/crowd.ts";
import { gather } from "./gathered.ts";
import type { Section } from "./section.ts";

const SOCKETS = 300;
const PACKET_BYTES = 300;
const PACED = { count: 60, pauseMs: 4 };
const BURST = { count: 20, pauseMs: 0 };
const BURSTS = 3;

/** As large on the wire as announced: `42["events",{…}]`. */
function payloadOf(bytes: number): unknown {
  const payload = { chat_id: crypto.randomUUID(), message_id: crypto.randomUUID(), data: "" };
  const rest = bytes - `42["events",${JSON.stringify(payload)}]`.length;
  return { ...payload, data: "x".repeat(rest) };
}

export const delivery: Section = {
  name: "delivery",
  run(context) {
    const payload = payloadOf(PACKET_BYTES);
    const emit = async (
      server: ServerProcess,
      crowd: Crowd,
      how: { count: number; pauseMs: number },
    ) => {
      const arrived = crowd.expect("event", how.count * SOCKETS);
      const emitted = server.ask({ do: "emit", event: "events", payload, ...how });
      await Promise.all([arrived, emitted]);
    };
    return interleaved(context, {
      figures: [
        { id: "delivery.paced", title: "delivery, one event a tick", unit: "µs" },
        { id: "delivery.burst", title: "delivery, bursts of 20 events", unit: "µs" },
      ],
      rounds: 7,
      warmups: 2,
      setUp: (server) => gather(server, context.tokens, SOCKETS),
      async measure(server, crowd) {
        const paced = await server.cpuOf(() => emit(server, crowd, PACED));
        const burst = await server.cpuOf(async () => {
          for (let i = 0; i < BURSTS; i++) await emit(server, crowd, BURST);
        });
        return [paced / (PACED.count * SOCKETS), burst / (BURSTS * BURST.count * SOCKETS)];
      },
    });
  },
};
