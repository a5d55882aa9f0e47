/** Interleaved rounds: every contestant once, then every contestant again. */
import { ServerProcess } from "./server_process.ts";
import { SECRET_KEY } from "../load/tokens.ts";
import type { BenchContext, Contestant, Figure } from "../sections/section.ts";

export interface RoundsOptions<S> {
  figures: readonly Pick<Figure, "id" | "title" | "unit">[];
  rounds: number;
  /** Rounds before those that count, to let compilers do their work. */
  warmups: number;
  /** Environment of the servers, beside the token's key. */
  env?: Record<string, string>;
  /** Made once for each server, before its first round. */
  setUp(server: ServerProcess): Promise<S>;
  /** One round: a value for each figure, in their order. */
  measure(server: ServerProcess, state: S): Promise<number[]>;
}

/** A contestant that is running, or the reason why it no longer is. */
interface Runner<S> {
  id: string;
  failure?: string;
  server?: ServerProcess;
  state?: S;
}

/**
 * Runs one server of each contestant side by side, only one of them under load at a time. A
 * contestant that fails is reported with its reason; the others go on.
 */
export async function interleaved<S extends AsyncDisposable>(
  { contestants, progress }: BenchContext,
  options: RoundsOptions<S>,
): Promise<Figure[]> {
  const figures: Figure[] = options.figures.map((figure) => ({
    ...figure,
    samples: {},
    failures: {},
  }));
  await using stack = new AsyncDisposableStack();
  const runners: Runner<S>[] = [];
  for (const contestant of contestants) runners.push(await start(contestant, options, stack));

  for (let round = -options.warmups; round < options.rounds; round++) {
    progress(round < 0 ? "warm-up" : `round ${round + 1} of ${options.rounds}`);
    for (const runner of runners) {
      const values = await attempt(runner, options);
      if (round < 0 || values === undefined) continue;
      figures.forEach((figure, i) => {
        (figure.samples[runner.id] ??= []).push(values[i] ?? NaN);
      });
    }
  }
  for (const { id, failure } of runners) {
    if (failure === undefined) continue;
    progress(`${id} failed: ${failure}`);
    for (const figure of figures) {
      delete figure.samples[id];
      figure.failures[id] = failure;
    }
  }
  return figures;
}

async function start<S extends AsyncDisposable>(
  { peer, launch }: Contestant,
  options: RoundsOptions<S>,
  stack: AsyncDisposableStack,
): Promise<Runner<S>> {
  try {
    const env = { BENCH_SECRET_KEY: SECRET_KEY, ...options.env };
    const server = stack.use(await ServerProcess.start(peer, launch, env));
    const state = stack.use(await options.setUp(server));
    return { id: peer.id, server, state };
  } catch (thrown) {
    return { id: peer.id, failure: String(thrown) };
  }
}

async function attempt<S>(
  runner: Runner<S>,
  options: RoundsOptions<S>,
): Promise<number[] | undefined> {
  const { server, state, failure } = runner;
  if (failure !== undefined || server === undefined || state === undefined) return undefined;
  try {
    return await options.measure(server, state);
  } catch (thrown) {
    runner.failure = String(thrown);
    return undefined;
  }
}
