import { Buffer } from "node:buffer";
import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { AppError } from "../common/errors.ts";

/** The cost of a new hash (RFC 7914): about 50 ms and 32 MiB. Stored with each hash, so it can rise. */
const COST = { N: 2 ** 15, r: 8, p: 1 } as const;
const KEY_BYTES = 32;
const SALT_BYTES = 16;

/** Hashing runs beside the event loop, in threads that others need too. */
const MAX_RUNNING = 2;
const MAX_WAITING = 64;

interface Cost {
  N: number;
  r: number;
  p: number;
}

let running = 0;
const waiting: (() => void)[] = [];

/** Takes one of the places; `unavailable` when too many wait for one. */
async function place(): Promise<Disposable> {
  if (running >= MAX_RUNNING) {
    if (waiting.length >= MAX_WAITING) {
      throw new AppError("unavailable", "Too many sign-ins at once: try again soon.", {
        retryAfterMs: 2_000,
      });
    }
    await new Promise<void>((resolve) => waiting.push(resolve));
  } else {
    running++;
  }
  return {
    [Symbol.dispose]() {
      const next = waiting.shift();
      if (next) next();
      else running--;
    },
  };
}

async function derive(password: string, salt: Uint8Array, cost: Cost): Promise<Uint8Array> {
  using _place = await place();
  return await new Promise((resolve, reject) => {
    const maxmem = 2 * 128 * cost.N * cost.r;
    scrypt(password.normalize("NFKC"), salt, KEY_BYTES, { ...cost, maxmem }, (error, key) => {
      if (error) reject(error);
      else resolve(key);
    });
  });
}

/** Hashes a password with a salt of its own: `scrypt$N$r$p$salt$key`, both in base64. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const key = await derive(password, salt, COST);
  const { N, r, p } = COST;
  return ["scrypt", N, r, p, salt.toString("base64"), Buffer.from(key).toString("base64")].join(
    "$",
  );
}

/** What a sign-in for nobody is checked against, so that it takes as long as one for somebody. */
const nobody = `scrypt$${COST.N}$${COST.r}$${COST.p}$AAAAAAAAAAAAAAAAAAAAAA==$${"A".repeat(43)}=`;

/** Whether the password is the hashed one, in constant time. `undefined`: nobody's, always `false`. */
export async function verifyPassword(password: string, hash: string | undefined): Promise<boolean> {
  const [, N, r, p, salt, key] = (hash ?? nobody).split("$");
  const cost = { N: Number(N), r: Number(r), p: Number(p) };
  const wanted = Buffer.from(key ?? "", "base64");
  const given = await derive(password, Buffer.from(salt ?? "", "base64"), cost);
  const isSame = wanted.length === given.length && timingSafeEqual(wanted, given);
  return isSame && hash !== undefined;
}
