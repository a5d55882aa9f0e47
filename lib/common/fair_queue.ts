import { AppError } from "./errors.ts";

export interface FairQueueOptions {
  /** How many may be in at once. */
  maxRunning: number;
  /** How many may wait in all. */
  maxWaiting: number;
  /** What those are told who may not wait. */
  refusal: string;
}

/** Who comes, and by which lane. */
export interface Comer {
  /** What belongs together, and waits for itself: an account, an address. Default: one for all. */
  lane?: string;
  /** Every second turn is for those who are known. Default: false. */
  isKnown?: boolean;
}

interface Waiter {
  enter(): void;
  refuse(): void;
}

type Lanes = Map<string, Waiter[]>;

/**
 * Lets a few in at a time, each lane in its turn: however many come by one lane, the others wait no
 * longer for it. When all places to wait are taken, the longest lane gives one up.
 */
export class FairQueue {
  readonly #options: FairQueueOptions;
  readonly #known: Lanes = new Map();
  readonly #others: Lanes = new Map();
  #running = 0;
  #waiting = 0;
  #wasKnown = false;

  constructor(options: FairQueueOptions) {
    this.#options = options;
  }

  /** @throws {AppError} `unavailable` when too many wait already */
  async enter({ lane = "", isKnown = false }: Comer = {}): Promise<Disposable> {
    const { maxRunning, maxWaiting } = this.#options;
    if (this.#running < maxRunning) {
      this.#running++;
      return this.#place();
    }
    const lanes = isKnown ? this.#known : this.#others;
    const before = lanes.get(lane) ?? [];
    if (this.#waiting >= maxWaiting && !this.#giveUpLongerThan(before.length)) {
      throw this.#tooMany();
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    lanes.set(lane, [...before, { enter: resolve, refuse: () => reject(this.#tooMany()) }]);
    this.#waiting++;
    await promise;
    return this.#place();
  }

  /** Whoever leaves hands the place over, so the number of those running does not change. */
  #place(): Disposable {
    return {
      [Symbol.dispose]: () => {
        const next = this.#next();
        if (next) next.enter();
        else this.#running--;
      },
    };
  }

  #next(): Waiter | undefined {
    const isTurnOfKnown = this.#known.size > 0 && (!this.#wasKnown || this.#others.size === 0);
    this.#wasKnown = isTurnOfKnown;
    return this.#take(isTurnOfKnown ? this.#known : this.#others);
  }

  /** The first of the lane whose turn it is; the lane goes to the end of the line. */
  #take(lanes: Lanes): Waiter | undefined {
    for (const [lane, [first, ...rest]] of lanes) {
      lanes.delete(lane);
      if (rest.length > 0) lanes.set(lane, rest);
      this.#waiting--;
      return first;
    }
    return undefined;
  }

  /** Turns the last of the longest lane away, if it is longer than that of who comes would be. */
  #giveUpLongerThan(length: number): boolean {
    let longest: Waiter[] = [];
    for (const lane of this.#others.values()) if (lane.length > longest.length) longest = lane;
    if (longest.length <= length + 1) return false;
    longest.pop()?.refuse();
    this.#waiting--;
    return true;
  }

  #tooMany(): AppError {
    return new AppError("unavailable", this.#options.refusal, { retryAfterMs: 5_000 });
  }
}
