import { SignJWT } from "jose";
import { USER_COUNT, userId } from "./users.ts";

export const SECRET_KEY = "bench-secret-key-of-no-value-0123456789";
/** A valid token of each user, signed once. */
export class Tokens {
  readonly #tokens: readonly string[];

  private constructor(tokens: readonly string[]) {
    this.#tokens = tokens;
  }

  static async sign(): Promise<Tokens> {
    const key = new TextEncoder().encode(SECRET_KEY);
    const sign = (index: number) =>
      new SignJWT({ id: userId(index) })
        .setProtectedHeader({ alg: "HS256", typ: "JWT" })
        .setIssuedAt()
        .setExpirationTime("6h")
        .setJti(crypto.randomUUID())
        .sign(key);
    return new Tokens(await Promise.all(Array.from({ length: USER_COUNT }, (_, i) => sign(i))));
  }

  /** The token of the user with this number; numbers beyond the last user start over. */
  of(index: number): string {
    const token = this.#tokens[index % USER_COUNT];
    if (token === undefined) throw new RangeError(`Cannot find a token: user ${index}`);
    return token;
  }
}
