import type { Entry, KvClient } from "./kv_client.ts";
import { KvOwnWrites } from "./kv_own_writes.ts";

/** Deno KV takes 1,000 mutations, 800 KiB of values and 80 KiB of keys a commit. */
const MAX_MUTATIONS = 800;
const MAX_BYTES = 512 * 1024;
const MAX_KEY_BYTES = 60_000;

export interface WriterLimits {
  /** Checks a commit. */
  checks: number;
  /** Commits under way at once. */
  commitsUnderWay: number;
}

export interface KvSet {
  key: Deno.KvKey;
  value: unknown;
  /** About what it takes in the store. */
  bytes: number;
  expireIn?: number;
}

/** What must be written together or not at all; small enough for one commit. */
export interface Commit {
  checks?: { key: Deno.KvKey; versionstamp: string | null }[];
  sets?: KvSet[];
  deletes?: Deno.KvKey[];
  /** One of the keys that are set or deleted, which is likely to be changed again, and its name. */
  again?: { key: Deno.KvKey; name: string };
}

interface Waiting {
  commit: Commit;
  resolve(written: boolean): void;
  reject(error: unknown): void;
}

/**
 * Group commit: whatever waits while as many commits as may be are under way is the next commit,
 * within the limits. A file takes only some thousand commits a second however many writers there are.
 */
export class KvWriter {
  readonly #client: KvClient;
  readonly #limits: WriterLimits;
  readonly #own = new KvOwnWrites();
  #waiting: Waiting[] = [];
  #underWay = 0;

  constructor(client: KvClient, limits: WriterLimits) {
    this.#client = client;
    this.#limits = limits;
  }

  /**
   * Returns whether it was written: `false` when a check failed. Who needs an order waits for the
   * one before the other.
   */
  commit(commit: Commit): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ commit, resolve, reject });
      if (this.#underWay === this.#limits.commitsUnderWay) return;
      this.#underWay++;
      void this.#drain();
    });
  }

  /**
   * What this process wrote last under the key of this name, if that is known: the entry for a commit
   * that checks it, instead of one that was read. A commit that fails its check makes it unknown.
   */
  known(name: string): Entry | undefined {
    return this.#own.get(name);
  }

  /** Never rejects. */
  async #drain(): Promise<void> {
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      await this.#write(takeGroup(this.#waiting, this.#limits.checks));
    }
    this.#underWay--;
  }

  async #write(group: Waiting[]): Promise<void> {
    try {
      const versionstamp = await this.#send(group);
      if (versionstamp !== undefined || group.length === 1) {
        return group.forEach(({ commit, resolve }) => {
          this.#remember(commit, versionstamp);
          resolve(versionstamp !== undefined);
        });
      }
    } catch (error) {
      for (const { commit } of group) this.#remember(commit, undefined);
      return group.forEach(({ reject }) => reject(error));
    }
    // One of them lost to another process; halving finds it without a commit for each.
    const half = group.length >> 1;
    await this.#write(group.slice(0, half));
    await this.#write(group.slice(half));
  }

  #remember({ again, sets }: Commit, versionstamp: string | undefined): void {
    if (again === undefined) return;
    const { key, name } = again;
    if (versionstamp === undefined) return this.#own.delete(name);
    const set = sets?.find((one) => one.key === key);
    if (set === undefined) this.#own.set(name, { key, value: null, versionstamp: null }, 0);
    else this.#own.set(name, { key, value: set.value, versionstamp }, set.bytes);
  }

  /** The version of what was written; `undefined` when a check failed. */
  async #send(group: Waiting[]): Promise<string | undefined> {
    const result = await this.#client.write((kv) => {
      const atomic = kv.atomic();
      for (const { commit: { checks = [], sets = [], deletes = [] } } of group) {
        atomic.check(...checks);
        for (const { key, value, expireIn } of sets) {
          atomic.set(key, value, expireIn === undefined ? undefined : { expireIn });
        }
        for (const key of deletes) atomic.delete(key);
      }
      return atomic.commit();
    });
    return result.ok ? result.versionstamp : undefined;
  }
}

function takeGroup(waiting: Waiting[], maxChecks: number): Waiting[] {
  let taken = 0, checks = 0, mutations = 0, bytes = 0, keyBytes = 0;
  for (const { commit } of waiting) {
    const sets = commit.sets ?? [], deletes = commit.deletes ?? [];
    checks += commit.checks?.length ?? 0;
    mutations += sets.length + deletes.length;
    for (const set of sets) bytes += set.bytes + keyLength(set.key);
    for (const { key } of [...commit.checks ?? [], ...sets]) keyBytes += keyLength(key);
    for (const key of deletes) keyBytes += keyLength(key);
    const full = checks > maxChecks || mutations > MAX_MUTATIONS || bytes > MAX_BYTES ||
      keyBytes > MAX_KEY_BYTES;
    if (full && taken > 0) break;
    taken++;
  }
  return waiting.splice(0, taken);
}

function keyLength(key: Deno.KvKey): number {
  let length = 0;
  for (const part of key) length += typeof part === "string" ? part.length * 3 + 2 : 10;
  return length;
}
