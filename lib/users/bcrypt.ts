import { AppError } from "../common/errors.ts";
import type { BcryptAnswer, BcryptQuestion } from "./bcrypt_worker.ts";

/** Any sane cost is done by then; one that is not must not hold a place for ever. */
const LIMIT_MS = 10_000;
const FORMAT = /^\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}$/;

/** Whether it is a hash of bcrypt, as Open WebUI makes them. */
export const isBcrypt = (hash: string): boolean => FORMAT.test(hash);

/**
 * Whether the password is the one that bcrypt has hashed. In a thread of its own, as it takes a third
 * of a second of JavaScript, and started for each: it is needed once for each user who was imported.
 *
 * @throws {AppError} `unavailable` when it takes too long
 */
export async function verifyBcrypt(password: string, hash: string): Promise<boolean> {
  const worker = new Worker(new URL("./bcrypt_worker.ts", import.meta.url).href, {
    type: "module",
  });
  const { promise, resolve, reject } = Promise.withResolvers<boolean>();
  const give = (message: string, cause?: unknown) =>
    reject(new AppError("unavailable", message, { cause }));
  const timer = setTimeout(() => give("The password could not be checked in time."), LIMIT_MS);
  worker.onmessage = ({ data }: MessageEvent<BcryptAnswer>) => resolve(data.isSame);
  worker.onerror = (event) => {
    event.preventDefault();
    give("The password could not be checked.", event.message);
  };
  worker.postMessage({ password, hash } satisfies BcryptQuestion);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    worker.terminate();
  }
}
