import { SignJWT } from "jose";

/** A token as the server would sign it, with any claims: expired, of nobody, without an end. */
export function forgeToken(
  claims: Record<string, unknown>,
  secret = "a-key-for-tests-only",
): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg: "HS256", typ: "JWT" })
    .sign(new TextEncoder().encode(secret));
}

export const nowSeconds = () => Math.floor(Date.now() / 1_000);
