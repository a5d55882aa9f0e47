export interface GatheredOptions<K, A> {
  /** Asks for all of them at once; answers in their order. */
  ask(keys: K[]): Promise<readonly A[]>;
  /** Questions with one name are one. */
  nameOf(key: K): string;
  /** Keys of one question at the most. Default: 1,000. */
  maxKeys?: number;
  /** Questions under way at the most; what comes meanwhile gathers. Default: 4. */
  maxAtOnce?: number;
}

interface Waiting<K, A> {
  key: K;
  answer: PromiseWithResolvers<A>;
}

/**
 * Makes one question of many: what is asked in one turn of the event loop, or while earlier questions
 * are under way, is asked together, and each once. The more come, the more share an answer.
 */
export class Gathered<K, A> {
  readonly #options: Required<GatheredOptions<K, A>>;
  #waiting = new Map<string, Waiting<K, A>>();
  #underWay = 0;
  #isScheduled = false;

  constructor(options: GatheredOptions<K, A>) {
    this.#options = { maxKeys: 1_000, maxAtOnce: 4, ...options };
  }

  /** Rejects as the question does. */
  ask(key: K): Promise<A> {
    const name = this.#options.nameOf(key);
    const asked = this.#waiting.get(name);
    if (asked) return asked.answer.promise;
    const waiting = { key, answer: Promise.withResolvers<A>() };
    this.#waiting.set(name, waiting);
    this.#schedule();
    return waiting.answer.promise;
  }

  #schedule(): void {
    const { maxAtOnce } = this.#options;
    if (this.#isScheduled || this.#underWay >= maxAtOnce || this.#waiting.size === 0) return;
    this.#isScheduled = true;
    // Behind all that this turn still asks for.
    setTimeout(() => {
      this.#isScheduled = false;
      void this.#askNext();
    }, 0);
  }

  /** Never rejects. */
  async #askNext(): Promise<void> {
    const { ask, maxKeys } = this.#options;
    const all = [...this.#waiting.values()];
    const asked = all.slice(0, maxKeys);
    this.#waiting = new Map(
      all.slice(maxKeys).map((each) => [this.#options.nameOf(each.key), each]),
    );
    this.#underWay++;
    this.#schedule();
    try {
      const answers = await ask(asked.map(({ key }) => key));
      asked.forEach(({ answer }, at) => answer.resolve(answers[at] as A));
    } catch (thrown) {
      for (const { answer } of asked) answer.reject(thrown);
    } finally {
      this.#underWay--;
      this.#schedule();
    }
  }
}
