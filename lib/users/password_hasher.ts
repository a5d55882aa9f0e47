import { Buffer } from "node:buffer";
import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { type Comer, FairQueue } from "../common/fair_queue.ts";
import { isBcrypt, verifyBcrypt } from "./bcrypt.ts";

/** What a hash costs: 2^logN blocks of r × 128 bytes, p times (RFC 7914). */
export interface HashCost {
  logN: number;
  r: number;
  p: number;
}

/** Turns a password into the bytes that are stored. */
export type Derive = (password: string, salt: Uint8Array, cost: HashCost) => Promise<Uint8Array>;

export interface PasswordHasherOptions {
  /** Of new hashes. Default: 32 MiB, three times, as OWASP advises; some 0.3 s of a core. */
  cost?: HashCost;
  /** How many more may wait. Default: 256. */
  maxWaiting?: number;
  /** Default: scrypt. */
  derive?: Derive;
}

const DEFAULT_COST: HashCost = { logN: 15, r: 8, p: 3 };
/** How many hashes run at once. */
const MAX_RUNNING = 2;
const HASH_BYTES = 32;
const SALT_BYTES = 16;
const FORMAT = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([\w-]+)\$([\w-]+)$/;

function scryptDerive(password: string, salt: Uint8Array, cost: HashCost): Promise<Uint8Array> {
  const { logN, r, p } = cost;
  const options = { N: 2 ** logN, r, p, maxmem: 256 * 2 ** logN * r };
  return new Promise((resolve, reject) => {
    scrypt(
      password,
      salt,
      HASH_BYTES,
      options,
      (error, key) => error ? reject(error) : resolve(key),
    );
  });
}

interface Stored {
  cost: HashCost;
  salt: Uint8Array;
  hash: Uint8Array;
}

function read(stored: string): Stored | undefined {
  const [, logN, r, p, salt, hash] = FORMAT.exec(stored) ?? [];
  if (salt === undefined || hash === undefined) return undefined;
  return {
    cost: { logN: Number(logN), r: Number(r), p: Number(p) },
    salt: Buffer.from(salt, "base64url"),
    hash: Buffer.from(hash, "base64url"),
  };
}

/**
 * Slow hashes of passwords, a few at a time and each account or address in its turn: however many
 * sign in at once, the other threads and the memory stay free. The cost stands in each hash, so that it can be raised later.
 */
export class PasswordHasher {
  readonly #cost: HashCost;
  readonly #derive: Derive;
  readonly #queue: FairQueue;

  constructor(options: PasswordHasherOptions = {}) {
    this.#cost = options.cost ?? DEFAULT_COST;
    this.#derive = options.derive ?? scryptDerive;
    const { maxWaiting = 256 } = options;
    this.#queue = new FairQueue({
      maxRunning: MAX_RUNNING,
      maxWaiting,
      refusal: "Too many sign in at this moment: try again.",
    });
  }

  /** @throws {AppError} `unavailable` when too many wait already */
  async hash(password: string, comer?: Comer): Promise<string> {
    const salt = randomBytes(SALT_BYTES);
    const hash = Buffer.from(await this.#run(password, salt, this.#cost, comer));
    const { logN, r, p } = this.#cost;
    const text = salt.toString("base64url");
    return `$scrypt$ln=${logN},r=${r},p=${p}$${text}$${hash.toString("base64url")}`;
  }

  /**
   * Whether the password is the one that was hashed. Without a hash it does the same work and says
   * no, so that the time does not tell who has an account. Hashes of bcrypt, which an import from
   * Open WebUI has brought, are understood, too, and outdated.
   *
   * @throws {AppError} `unavailable` when too many wait already
   */
  async verify(password: string, stored: string | undefined, comer?: Comer): Promise<boolean> {
    if (stored !== undefined && isBcrypt(stored)) {
      using _ = await this.#queue.enter(comer);
      return await verifyBcrypt(password, stored);
    }
    const known = stored === undefined ? undefined : read(stored);
    const { cost, salt, hash } = known ??
      { cost: this.#cost, salt: randomBytes(SALT_BYTES), hash: randomBytes(HASH_BYTES) };
    const derived = await this.#run(password, salt, cost, comer);
    const isSame = derived.length === hash.length && timingSafeEqual(derived, hash);
    return isSame && known !== undefined;
  }

  /** Whether the hash was made at another cost than new ones are. */
  isOutdated(stored: string): boolean {
    const cost = read(stored)?.cost;
    const { logN, r, p } = this.#cost;
    return cost?.logN !== logN || cost.r !== r || cost.p !== p;
  }

  async #run(
    password: string,
    salt: Uint8Array,
    cost: HashCost,
    comer?: Comer,
  ): Promise<Uint8Array> {
    using _ = await this.#queue.enter(comer);
    // One password can be typed in several forms of Unicode.
    return await this.#derive(password.normalize("NFKC"), salt, cost);
  }
}
