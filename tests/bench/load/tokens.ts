/** The users of the bench and their tokens: the same on every server. */
import { SignJWT } from "jose";

export const SECRET_KEY = "bench-secret-key-of-no-value-0123456789";
export const USER_COUNT = 1000;

/** Launchers of servers that keep users make the same ids. */
export function userId(index: number): string {
  return `bench-user-${index % USER_COUNT}`;
}

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
