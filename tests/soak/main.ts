/**
 * `deno task soak`: thousands of sockets, editors, streams, comings and goings against one server, for
 * an hour unless told otherwise. Ends with 1 when somebody was lost, an answer or an edit is missing,
 * memory grew, or the server stood still.
 */
import { pause } from "../../lib/common/pause.ts";
import { endOnSignals } from "../support/ending.ts";
import { say } from "../support/say.ts";
import { Crowd } from "./crowd.ts";
import { Editors } from "./editors.ts";
import { parseOptions } from "./options.ts";
import { machine, placeOf, tableOf } from "./report.ts";
import { rssMiBOf, type Sample, sample } from "./samples.ts";
import { Streams } from "./streams.ts";
import { openWorld } from "./world.ts";

const SAMPLE_EVERY_MS = 10_000;
/** What the event loop may stand still. */
const MAX_PAUSE_MS = 500;
/** How much more the last third may take than the second: what a collector leaves is no growth. */
const GROWTH = 1.2;
/** What nobody holds any more is given back by then. */
const CALM_MS = 20_000;

endOnSignals();
const options = parseOptions(Deno.args);
const report = options.report === undefined ? undefined : await placeOf(options.report, "soak");
const { minutes, sockets, editors: editorCount, streamsPerMinute, comingsPerSecond } = options;
const load = new AbortController();
const samples: Sample[] = [];
const problems: string[] = [];

await using world = await openWorld(sockets);
const emptyMiB = await rssMiBOf(world.server().pid);
let summary: string;
{
  await using crowd = new Crowd(world);
  const filledFrom = performance.now();
  await crowd.fill(sockets);
  const seconds = (performance.now() - filledFrom) / 1_000;
  say(`${sockets} sockets in ${seconds.toFixed(1)} s`);
  await using editors = await Editors.open(world, editorCount);
  const streams = new Streams(world, crowd);
  const anybody = () => Math.floor(Math.random() * sockets);
  const comings = async () => {
    while (!load.signal.aborted && comingsPerSecond > 0) {
      void crowd.leaveAndReturn(anybody()).catch((thrown) => problems.push(String(thrown)));
      await pause(1_000 / comingsPerSecond, load.signal);
    }
  };
  const watching = (async () => {
    for await (const one of sample(world, SAMPLE_EVERY_MS, load.signal)) {
      samples.push(one);
      say(
        `${(one.atMs / 60_000).toFixed(1)} min  ${Math.round(one.rssMiB)} MiB  ` +
          `${Math.round(one.cpu * 100)} %  pause ≤ ${one.pauseMs} ms  ` +
          `/health ${Math.round(one.answerMs)} ms  ${streams.whole} answers  ` +
          `${editors.edits} edits  ${crowd.comings} comings  ${crowd.size} sockets`,
      );
    }
  })();
  const working = [
    streams.run(streamsPerMinute, anybody, load.signal),
    editors.run(options.editsPerMinute, load.signal),
    comings(),
    watching,
  ];
  await pause(minutes * 60_000);
  load.abort();
  await Promise.all(working);
  await editors.converged().catch((thrown) => problems.push(String(thrown)));
  if (crowd.lost > 0) problems.push(`${crowd.lost} sockets were lost`);
  problems.push(...new Set(streams.faults));
  summary = `${sockets} sockets, ${editorCount} editors (${editors.edits} edits), ` +
    `${streams.whole} of ${streams.begun} answers whole, ${crowd.comings} comings and goings`;
}
await pause(CALM_MS);
const leftMiB = await rssMiBOf(world.server().pid);

const third = Math.ceil(samples.length / 3);
const mean = (of: readonly Sample[]) =>
  of.reduce((sum, { rssMiB }) => sum + rssMiB, 0) / Math.max(1, of.length);
const [second, last] = [mean(samples.slice(third, 2 * third)), mean(samples.slice(2 * third))];
if (last > second * GROWTH) {
  problems.push(`memory grew from ${Math.round(second)} to ${Math.round(last)} MiB`);
}
const longest = Math.max(0, ...samples.map(({ pauseMs }) => pauseMs));
if (longest > MAX_PAUSE_MS) problems.push(`the event loop stood still, up to ${longest} ms`);

const verdict = problems.length === 0 ? "All held." : `Did not hold: ${problems.join("; ")}.`;
const memory = `Memory: ${Math.round(emptyMiB)} MiB before, ${Math.round(leftMiB)} MiB ${
  CALM_MS / 1_000
} s after all had left.`;
const body = `${minutes} minutes; ${summary}. ${memory} ${verdict}\n\n${machine()}.\n\n${
  tableOf(samples)
}`;
say(body);
await report?.write(body);
await world[Symbol.asyncDispose]();
Deno.exit(problems.length === 0 ? 0 : 1);
