/**
 * `deno task storm`: all clients lose the server at once and come back as socket.io-client does, each
 * after a second or so and then less and less often. Once by their network, once by a server that is
 * killed and started anew. Ends with 1 when not all are back within ten seconds of what they come to.
 */
import { endOnSignals } from "../support/ending.ts";
import { say } from "../support/say.ts";
import { until } from "../support/until.ts";
import { Crowd } from "./crowd.ts";
import { parseOptions } from "./options.ts";
import { machine, placeOf } from "./report.ts";
import { openWorld } from "./world.ts";

const LIMIT_MS = 10_000;
const GIVE_UP_MS = 120_000;

endOnSignals();
const options = parseOptions(Deno.args);
const report = options.report === undefined ? undefined : await placeOf(options.report, "storm");
const rows: string[] = [];
let isGood = true;

await using world = await openWorld(options.sockets);
await using crowd = new Crowd(world);
await crowd.fill(options.sockets);
say(`${crowd.size} sockets`);

async function measure(what: string, inflict: () => Promise<void>): Promise<void> {
  await inflict();
  const from = performance.now();
  await until(() => crowd.size === options.sockets, {
    what: "all to be back",
    limitMs: GIVE_UP_MS,
    everyMs: 20,
  });
  const tookMs = performance.now() - from;
  isGood &&= tookMs <= LIMIT_MS;
  const verdict = tookMs <= LIMIT_MS ? "holds" : "FAILED";
  rows.push(`| ${what} | ${options.sockets} | ${(tookMs / 1_000).toFixed(1)} s | ${verdict} |`);
  say(rows.at(-1) ?? "");
}

await measure("their network fails for a moment", () => {
  crowd.cut();
  return Promise.resolve();
});
await measure("the server is killed, and started anew", () => world.restart());

const body = [
  `${machine()}.\n`,
  "| what happens | clients | all back after | verdict |\n| --- | --- | --- | --- |",
].join("\n") + `\n${rows.join("\n")}`;
await report?.write(body);
await crowd[Symbol.asyncDispose]();
await world[Symbol.asyncDispose]();
Deno.exit(isGood ? 0 : 1);
