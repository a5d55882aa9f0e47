import { yieldToEvents } from "./pause.ts";

/** Others get their turn after so long. */
const TURN_MS = 10;

/** Cuts long work into turns of some milliseconds: `if (turns.isOver) await turns.next()`. */
export class Turns {
  readonly #turnMs: number;
  #endsMs: number;

  /** `turnMs`: after how long others get theirs. Default: ten milliseconds. */
  constructor(turnMs = TURN_MS) {
    this.#turnMs = turnMs;
    this.#endsMs = performance.now() + turnMs;
  }

  get isOver(): boolean {
    return performance.now() > this.#endsMs;
  }

  /** Resolves when timers and sockets have had theirs. */
  async next(): Promise<void> {
    await yieldToEvents();
    this.#endsMs = performance.now() + this.#turnMs;
  }
}

/** Items between two looks at the clock. */
const STRIDE = 32;

/** As `items.map(work)`, but others have their turn in between. */
export async function mapInTurns<T, R>(items: readonly T[], work: (item: T) => R): Promise<R[]> {
  const turns = new Turns();
  const results: R[] = [];
  for (let at = 0; at < items.length; at++) {
    if (at % STRIDE === 0 && turns.isOver) await turns.next();
    results.push(work(items[at] as T));
  }
  return results;
}
