import type { Context, MiddlewareHandler } from "hono";
import { AppError } from "../common/errors.ts";
import type { User } from "../protocol/user.ts";
import type { HttpEnv, TokenClaims } from "./http_env.ts";

export interface Verifier {
  /** Throws `unauthenticated` for a token that does not count, `forbidden` for a pending user. */
  verify(
    token: string,
    options?: { allowPending?: boolean },
  ): Promise<{ user: User; claims: TokenClaims }>;
}

/**
 * Lets in who has a token that counts: `Authorization: Bearer <token>` and nothing else. A cookie
 * would be sent by pages of others, too.
 */
export function requireUser(
  tokens: Verifier,
  options: { allowPending?: boolean } = {},
): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    const { user, claims } = await tokens.verify(bearer(c), options);
    c.set("user", user);
    c.set("claims", claims);
    await next();
  };
}

/** Lets in admins only. Stands behind {@linkcode requireUser}. */
export const requireAdmin: MiddlewareHandler<HttpEnv> = async (c, next) => {
  if (c.get("user").role !== "admin") throw new AppError("forbidden", "This is for admins.");
  await next();
};

function bearer(c: Context): string {
  const [scheme, token] = (c.req.header("authorization") ?? "").split(" ", 2);
  if (scheme?.toLowerCase() !== "bearer" || !token) {
    throw new AppError("unauthenticated", "Sign in first: the request has no bearer token.");
  }
  return token;
}
