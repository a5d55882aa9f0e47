import { AppError } from "../../lib/common/errors.ts";
import { pause } from "../../lib/common/pause.ts";
import { silentLogger as logger } from "../../lib/common/logger.ts";
import { openKvStore } from "../../lib/state/kv_store.ts";
import type { HeldLock, StateKey, StateStore } from "../../lib/state/state_store.ts";

const encoder = new TextEncoder();

/** Those that give a collection, not an answer of the store. */
const COLLECTIONS = new Set(["dictionary", "memberSet", "sortedIndex", "updateLog"]);

/** A real store that fails on demand, and counts what is written to it. */
export class FaultyStore implements AsyncDisposable {
  /** Every operation throws `unavailable`. */
  down = false;
  /** Every operation is carried out, and throws `unavailable`: its answer was lost. */
  answersLost = false;
  /** The one dictionary that fails; default: everything does. */
  only: StateKey | undefined;
  /** Every operation takes so much longer. */
  slowMs = 0;
  /** Entries, and bytes of their values as JSON, of dictionaries and values. */
  readonly written = { entries: 0, bytes: 0 };
  /** How many operations were refused because the store was down. */
  refused = 0;
  /** The lock that was taken last, as its owner holds it: to take it away under the owner. */
  lastLease: HeldLock | undefined;
  readonly store: StateStore;
  readonly #real: StateStore;
  #hung: PromiseWithResolvers<void> | undefined;

  /** With a store of one's own, as of Redis, that store's owner closes it. */
  constructor(real: StateStore) {
    this.#real = real;
    this.store = this.#faulty(real);
  }

  static async open(path = ":memory:"): Promise<FaultyStore> {
    return new FaultyStore(await openKvStore({ path, keyPrefix: "t", logger }));
  }

  /** No operation answers until this is `false` again. */
  set hung(hangs: boolean) {
    this.#hung?.resolve();
    this.#hung = hangs ? Promise.withResolvers<void>() : undefined;
  }

  get roundTrips(): number {
    return this.#real.stats().roundTrips;
  }

  /** What the store really holds in a dictionary, whatever fails. */
  async contents<T>(key: StateKey): Promise<Map<string, T>> {
    const all = new Map<string, T>();
    for await (const page of this.#real.dictionary<T>(key).scan()) {
      for (const [field, value] of page) all.set(field, value);
    }
    return all;
  }

  /** The store behind the faults. */
  get real(): StateStore {
    return this.#real;
  }

  #isSpared(key: StateKey | undefined): boolean {
    return this.only !== undefined && key?.join() !== this.only.join();
  }

  async #trip(key: StateKey | undefined): Promise<void> {
    if (this.#isSpared(key)) return;
    if (this.slowMs > 0) await pause(this.slowMs);
    await this.#hung?.promise;
    if (!this.down) return;
    this.refused++;
    throw new AppError("unavailable", "The store is away.");
  }

  /** The same object, each of whose operations can fail first. `key`: the dictionary that it is. */
  #faulty<T extends object>(target: T, key?: StateKey): T {
    return new Proxy(target, {
      get: (of, name) => {
        const member: unknown = Reflect.get(of, name, of);
        if (name === "values") return this.#faulty(member as object);
        if (typeof member !== "function" || name === "stats") return member;
        const call = (...args: unknown[]) => Reflect.apply(member, of, args) as unknown;
        if (COLLECTIONS.has(String(name))) {
          return (...args: unknown[]) => this.#faulty(call(...args) as object, args[0] as StateKey);
        }
        if (name === "scan" || name === "names") {
          return (...args: unknown[]) => this.#pages(key, call(...args) as AsyncIterable<unknown>);
        }
        return async (...args: unknown[]) => {
          await this.#trip(key);
          const answer = await call(...args);
          this.#count(name, args, answer);
          if (this.answersLost && !this.#isSpared(key)) {
            throw new AppError("unavailable", "The answer was lost.");
          }
          if (name !== "acquire" || !answer) return answer;
          this.lastLease = answer as HeldLock;
          return this.#faulty(answer);
        };
      },
    });
  }

  async *#pages(
    key: StateKey | undefined,
    pages: AsyncIterable<unknown>,
  ): AsyncGenerator<unknown> {
    await this.#trip(key);
    for await (const page of pages) {
      yield page;
      await this.#trip(key);
    }
  }

  #count(name: string | symbol, args: unknown[], answer: unknown): void {
    const values = name === "set"
      ? [args[1]]
      : name === "setMany"
      ? [...args[0] as Iterable<[string, unknown]>].map(([, value]) => value)
      : name === "update" && answer !== undefined
      ? [answer]
      : [];
    for (const value of values) {
      this.written.entries++;
      this.written.bytes += encoder.encode(JSON.stringify(value)).length;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.hung = false;
    await this.#real[Symbol.asyncDispose]();
  }
}
