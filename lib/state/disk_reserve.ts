import { Buffer } from "node:buffer";
import { randomFillSync } from "node:crypto";
import { dirname } from "node:path";
import { statfsSync } from "node:fs";
import { AppError, errorText } from "../common/errors.ts";
import type { Logger } from "../common/logger.ts";

export interface DiskReserveOptions {
  /** Of the store; the reserve stands beside it. */
  path: string;
  logger: Logger;
  /** Default: 8 MiB. */
  bytes?: number;
  /** How often the disk is looked at. Default: 1,000. */
  everyMs?: number;
}

/** Less than that, and the disk counts as full before a write has failed. */
const LEAST_FREE_BYTES = 1024 ** 2;

/**
 * Space that is held beside the store and freed at the first sign of a full disk, from when on nothing
 * is written until there is room again: the runtime itself takes away what has expired once a minute,
 * and ends the whole process when it can't (Deno 2.9: "KV collect expired failed").
 */
export class DiskReserve implements Disposable {
  readonly #path: string;
  readonly #folder: string;
  readonly #bytes: number;
  readonly #logger: Logger;
  readonly #timer: ReturnType<typeof setInterval>;
  #why: string | undefined;

  constructor({ path, logger, bytes = 8 * 1024 ** 2, everyMs = 1_000 }: DiskReserveOptions) {
    this.#path = `${path}.reserve`;
    this.#folder = dirname(path);
    this.#bytes = bytes;
    this.#logger = logger;
    this.#timer = setInterval(() => this.#look(), everyMs);
    // It keeps no process alive.
    Deno.unrefTimer(this.#timer);
  }

  /** @throws {AppError} `unavailable` while the disk is full */
  requireRoom(): void {
    if (this.#why === undefined) return;
    throw new AppError("unavailable", "The disk of the store is full.", {
      retryAfterMs: 5_000,
      cause: new Error(this.#why),
    });
  }

  /** Tells of a write that has failed. */
  failed(error: unknown): void {
    if (/disk is full|ENOSPC|no space left|quota/i.test(errorText(error))) {
      this.#free(errorText(error));
    }
  }

  #look(): void {
    const free = this.#freeBytes();
    if (this.#why === undefined) {
      if (free < LEAST_FREE_BYTES) this.#free(`${free} bytes are left`);
      else if (!this.#isHeld()) this.#hold();
    } else if (free > 2 * this.#bytes && this.#hold(2 * this.#bytes)) {
      this.#why = undefined;
      this.#logger.info("the disk of the store has room again: it is written to", {
        path: this.#folder,
      });
    }
  }

  #free(why: string): void {
    if (this.#why !== undefined) return;
    this.#why = why;
    this.#remove();
    this.#logger.error("the disk of the store is full: nothing is written until there is room", {
      path: this.#folder,
      error: why,
    });
  }

  /** Another process on the same file takes its reserve away when it ends. */
  #isHeld(): boolean {
    try {
      return Deno.statSync(this.#path).size >= this.#bytes;
    } catch (thrown) {
      return thrown instanceof Deno.errors.NotCapable;
    }
  }

  /** Takes the space. What could be compressed would hold none. */
  #hold(bytes = this.#bytes): boolean {
    try {
      const options = { write: true, create: true, truncate: true, mode: 0o600 };
      using file = Deno.openSync(this.#path, options);
      const part = randomFillSync(Buffer.alloc(64 * 1024));
      for (let held = 0; held < bytes; held += part.length) {
        for (let at = 0; at < part.length;) at += file.writeSync(part.subarray(at));
      }
      // What was taken beyond the reserve was to see that the store has as much left.
      if (bytes > this.#bytes) file.truncateSync(this.#bytes);
      return true;
    } catch (thrown) {
      // Where the reserve may not be written, the store is watched without one.
      if (thrown instanceof Deno.errors.NotCapable) return true;
      this.#remove();
      this.failed(thrown);
      return false;
    }
  }

  #remove(): void {
    try {
      Deno.removeSync(this.#path);
    } catch {
      // There is none.
    }
  }

  /** `Infinity` where the system does not say. */
  #freeBytes(): number {
    try {
      const { bavail, bsize } = statfsSync(this.#folder);
      return bavail * bsize;
    } catch {
      return Infinity;
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#remove();
  }
}
