import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { Buffer } from "node:buffer";
import type { Comer } from "../common/fair_queue.ts";
import { keys } from "../state/key_space.ts";
import type { StateStore } from "../state/state_store.ts";
import { RateLimiter } from "./rate_limiter.ts";

/** Attempts from one address, for each that one account may have: people share addresses. */
const ATTEMPTS_PER_ADDRESS = 4;
/** How long an address is known from which somebody has signed in. */
const KNOWN_MS = 90 * 86_400_000;
const DEVICE = /^([\w-]{22})\.([\w-]{43})$/;

export interface SignInGuardOptions {
  store: StateStore;
  /** Signs what devices are known by. */
  secret: string;
  /** Attempts in three minutes on one account from one address (`SIGNIN_RATE_LIMIT`). */
  limit: number;
}

/** An attempt to sign in, and what it came with. */
export interface Attempt {
  /** As it is compared: in small letters. */
  email: string;
  address: string;
  /** What `welcome` gave to this device before. */
  device?: string | undefined;
}

/**
 * Counts attempts to sign in. From a device or an address from which somebody has signed in before,
 * their attempts count for themselves alone: whatever others do, they get in.
 */
export class SignInGuard {
  readonly #options: SignInGuardOptions;
  readonly #narrow: RateLimiter;
  readonly #wide: RateLimiter;

  constructor(options: SignInGuardOptions) {
    const { store, limit } = options;
    this.#options = options;
    this.#narrow = new RateLimiter({ store, name: "signin", limit });
    this.#wide = new RateLimiter({
      store,
      name: "signin_address",
      limit: ATTEMPTS_PER_ADDRESS * limit,
    });
  }

  /**
   * Counts an attempt, and says by which lane its password is looked at.
   *
   * What one address tries on an account ends at the narrow limit and no longer counts for the
   * account, so that one stranger can't lock its owner out; many together reach the wide one, which
   * does not count for who is known.
   *
   * @throws {AppError} `rate_limited`; `unavailable` when the store can't count
   */
  async admit({ email, address, device }: Attempt): Promise<Comer> {
    const id = device === undefined ? undefined : this.#deviceOf(email, device);
    if (id !== undefined) {
      await this.#narrow.hit(`device ${id}`);
      return { lane: email, isKnown: true };
    }
    if (await this.#options.store.values.get(keys.knownAddress(digest(email, address)))) {
      await this.#narrow.hit(`${email} ${address}`);
      return { lane: email, isKnown: true };
    }
    await this.#wide.hit(address);
    await this.#narrow.hit(`${email} ${address}`);
    await this.#wide.hit(`account ${email}`);
    return { lane: address };
  }

  /** Counts a sign-up. @throws {AppError} `rate_limited`, `unavailable` */
  async admitNew(address: string): Promise<Comer> {
    await this.#wide.hit(`signup ${address}`);
    return { lane: address };
  }

  /** Counts an attempt of somebody who has signed in. @throws {AppError} `rate_limited`, `unavailable` */
  async admitKnown({ id, email }: { id: string; email: string }): Promise<Comer> {
    await this.#narrow.hit(`password ${id}`);
    return { lane: email, isKnown: true };
  }

  /** Remembers where somebody has signed in; returns what the device is known by from here on. */
  async welcome({ email, address, device }: Attempt): Promise<string> {
    await this.#options.store.values.set(keys.knownAddress(digest(email, address)), 1, {
      ttlMs: KNOWN_MS,
    });
    if (device !== undefined && this.#deviceOf(email, device) !== undefined) return device;
    const id = randomBytes(16).toString("base64url");
    return `${id}.${this.#sign(email, id)}`;
  }

  /** The id of a device on which the account has signed in before. */
  #deviceOf(email: string, device: string): string | undefined {
    const [, id, signature] = DEVICE.exec(device) ?? [];
    if (id === undefined || signature === undefined) return undefined;
    const isOurs = timingSafeEqual(Buffer.from(signature), Buffer.from(this.#sign(email, id)));
    return isOurs ? id : undefined;
  }

  #sign(email: string, id: string): string {
    return createHmac("sha256", this.#options.secret).update(`device ${id} ${email}`)
      .digest("base64url");
  }
}

/** What comes from outside can neither be long nor pose as another key. */
function digest(email: string, address: string): string {
  return createHash("sha256").update(`${email} ${address}`).digest("base64url");
}
