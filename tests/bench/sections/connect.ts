/** What a new connection costs: TCP, upgrade, handshake, token verified, room joined. */
import { interleaved } from "../measure/rounds.ts";
import { Crowd } from "../load/crowd.ts";
import { pause } from "../measure/pause.ts";
import { untilSignedIn } from "./gathered.ts";
import type { Section } from "./section.ts";

const SOCKETS = 400;
/** What a server does for new connections a little later, all together, is part of the cost. */
const AFTERWARDS_MS = 1_200;

export const connect: Section = {
  name: "connect",
  run(context) {
    return interleaved(context, {
      figures: [{ id: "connect", title: "new connection, signed in", unit: "µs" }],
      rounds: 6,
      warmups: 1,
      setUp: () => Promise.resolve(new AsyncDisposableStack()),
      async measure(server) {
        await using crowd = new Crowd();
        const us = await server.cpuOf(async () => {
          await crowd.grow(server, context.tokens, SOCKETS);
          await untilSignedIn(server, SOCKETS);
          await pause(AFTERWARDS_MS);
        });
        await crowd[Symbol.asyncDispose]();
        await untilSignedIn(server, 0);
        return [us / SOCKETS];
      },
    });
  },
};
