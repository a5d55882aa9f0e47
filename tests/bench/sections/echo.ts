/** What an event of 300 bytes costs that is handled and acknowledged. */
import { pause } from "../measure/pause.ts";
import { interleaved } from "../measure/rounds.ts";
import type { Crowd } from "../load/crowd.ts";
import { clientFrame } from "../load/frames.ts";
import { gather } from "./gathered.ts";
import type { Section } from "./section.ts";

const SOCKETS = 300;
const TICKS = 25;
/** A socket sends no faster than a person's browser might: limits on events stay out of it. */
const TICK_MS = 60;

const PACKET_BYTES = 300;
/** One is under way on a socket at a time, so that the ack's number may stay the same. */
const HEAD = '427["heartbeat",{"data":"';
const TAIL = '"}]';
const FRAME = clientFrame(HEAD + "x".repeat(PACKET_BYTES - HEAD.length - TAIL.length) + TAIL);
const EXPECTED_ACK = '7[{"status":true}]';

/** Fails the round of a server that refuses instead of doing the work. */
function watchAcks(crowd: Crowd): { refused: string | undefined } {
  const watch: { refused: string | undefined } = { refused: undefined };
  const decoder = new TextDecoder();
  crowd.inspect = (_index, kind, payload) => {
    if (kind !== "ack") return;
    const text = decoder.decode(payload);
    if (text !== EXPECTED_ACK) watch.refused ??= text;
  };
  return watch;
}

async function echoAll(crowd: Crowd): Promise<void> {
  for (let tick = 0; tick < TICKS; tick++) {
    const next = pause(TICK_MS);
    const answered = crowd.expect("ack", crowd.sockets.length);
    const sent = crowd.sockets.map((socket) => socket.send(FRAME));
    await Promise.all([answered, ...sent, next]);
  }
}

export const echo: Section = {
  name: "echo",
  run(context) {
    return interleaved(context, {
      figures: [{ id: "echo", title: "acknowledged echo", unit: "µs" }],
      rounds: 7,
      warmups: 2,
      setUp: (server) => gather(server, context.tokens, SOCKETS),
      async measure(server, crowd) {
        const watch = watchAcks(crowd);
        const us = await server.cpuOf(() => echoAll(crowd));
        if (watch.refused !== undefined) throw new Error(`Not acknowledged: ${watch.refused}`);
        return [us / (TICKS * SOCKETS)];
      },
    });
  },
};
