import type { CommandClient } from "../redis/clients.ts";
import type { RedisConnection } from "../redis/connection.ts";
import { decodeValue, encodeValue } from "./redis_codec.ts";
import type { Updates } from "./redis_update.ts";
import type { CollectionOptions, Dictionary } from "./state_store.ts";

const PAGE_SIZE = 500;
/** Entries of one HSET or HMGET. */
const ENTRIES_PER_COMMAND = 1_000;

/** A HASH of JSON values. Its time, if it has one, starts again with each write. */
export class RedisDictionary<T> implements Dictionary<T> {
  readonly #redis: RedisConnection;
  readonly #updates: Updates;
  readonly #key: string;
  readonly #ttlMs: number | undefined;

  constructor(
    redis: RedisConnection,
    updates: Updates,
    key: string,
    { ttlMs }: CollectionOptions = {},
  ) {
    this.#redis = redis;
    this.#updates = updates;
    this.#key = key;
    this.#ttlMs = ttlMs;
  }

  async get(field: string): Promise<T | undefined> {
    return decodeValue<T>(await this.#redis.run((client) => client.hget(this.#key, field)));
  }

  async getMany(fields: readonly string[]): Promise<(T | undefined)[]> {
    const pages = chunks(fields, ENTRIES_PER_COMMAND).map((page) =>
      this.#redis.run((client) => client.hmget(this.#key, ...page))
    );
    return (await Promise.all(pages)).flat().map((text) => decodeValue<T>(text));
  }

  set(field: string, value: T): Promise<void> {
    return this.setMany([[field, value]]);
  }

  async setMany(entries: Iterable<readonly [field: string, value: T]>): Promise<void> {
    const texts: string[][] = [];
    const writes: Promise<unknown>[] = [];
    for (const [field, value] of entries) {
      if (this.#pending(field)) writes.push(this.update(field, () => value));
      else texts.push([field, encodeValue(value)]);
    }
    for (const page of chunks(texts, ENTRIES_PER_COMMAND)) {
      writes.push(
        this.#redis.run((client) => this.#extended(client, client.hset(this.#key, ...page.flat()))),
      );
    }
    await Promise.all(writes);
  }

  update(field: string, change: (current: T | undefined) => T | undefined): Promise<T | undefined> {
    return this.#updates.update({ key: this.#key, field, ttlMs: this.#ttlMs }, change);
  }

  async delete(...fields: string[]): Promise<number> {
    const free = fields.filter((field) => !this.#pending(field));
    const deletions = fields.filter((field) => this.#pending(field)).map((field) =>
      this.#deleteInTurn(field)
    );
    for (const page of chunks(free, ENTRIES_PER_COMMAND)) {
      deletions.push(this.#redis.run((client) => client.hdel(this.#key, ...page)));
    }
    return (await Promise.all(deletions)).reduce((sum, count) => sum + count, 0);
  }

  #pending(field: string): boolean {
    return this.#updates.pending({ key: this.#key, field });
  }

  async #deleteInTurn(field: string): Promise<number> {
    let deleted = 0;
    await this.update(field, (current) => {
      deleted = current === undefined ? 0 : 1;
      return undefined;
    });
    return deleted;
  }

  /**
   * HSCAN may name a field twice while the table grows or shrinks, and returns a small hash in one
   * piece: names are remembered during the walk, pages are cut to size.
   */
  async *scan(
    { pageSize = PAGE_SIZE }: { pageSize?: number } = {},
  ): AsyncGenerator<(readonly [field: string, value: T])[]> {
    const seen = new Set<string>();
    let cursor = "0";
    do {
      const [next, flat] = await this.#redis.run((client) =>
        client.hscan(this.#key, cursor, "COUNT", pageSize)
      );
      cursor = next;
      let page: (readonly [string, T])[] = [];
      for (let at = 0; at + 1 < flat.length; at += 2) {
        const field = flat[at];
        const value = decodeValue<T>(flat[at + 1]);
        if (field === undefined || value === undefined || seen.has(field)) continue;
        seen.add(field);
        page.push([field, value]);
        if (page.length < pageSize) continue;
        yield page;
        page = [];
      }
      if (page.length > 0) yield page;
    } while (cursor !== "0");
  }

  async clear(): Promise<void> {
    await this.#redis.run((client) => client.del(this.#key));
  }

  /** Sends the write and the new end of the hash in one flush. */
  async #extended<R>(client: CommandClient, write: Promise<R>): Promise<R> {
    if (this.#ttlMs === undefined) return await write;
    const extend = client.pexpire(this.#key, Math.ceil(this.#ttlMs));
    const [answer] = await Promise.all([write, extend]);
    return answer;
  }
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  const pages: T[][] = [];
  for (let at = 0; at < items.length; at += size) pages.push(items.slice(at, at + size));
  return pages;
}
