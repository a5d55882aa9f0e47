import type { Context, MiddlewareHandler } from "hono";
import { AppError } from "../common/errors.ts";
import type { User } from "../protocol/user.ts";
import type { HttpEnv } from "./http_app.ts";

/** The claims of a verified token, as far as routes need them. */
export interface TokenClaims {
  id: string;
  iat: number;
  exp?: number | undefined;
  jti?: string | undefined;
}

export interface Verifier {
  /** Throws `unauthenticated` for a token that does not count. */
  verify(token: string): Promise<{ user: User; claims: TokenClaims }>;
}

/**
 * Lets in who has a token that counts: `Authorization: Bearer <token>` and nothing else. A cookie
 * would be sent by pages of others, too.
 *
 * `roles`: who may pass. Default: users and admins; `pending` ones wait for an admin.
 */
export function requireUser(
  tokens: Verifier,
  roles: readonly User["role"][] = ["user", "admin"],
): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    const { user, claims } = await tokens.verify(bearer(c));
    if (!roles.includes(user.role)) {
      throw new AppError(
        "forbidden",
        user.role === "pending"
          ? "Your account waits for an admin to activate it."
          : "This is for admins.",
      );
    }
    c.set("user", user);
    c.set("claims", claims);
    await next();
  };
}

function bearer(c: Context): string {
  const [scheme, token] = (c.req.header("authorization") ?? "").split(" ", 2);
  if (scheme?.toLowerCase() !== "bearer" || !token) {
    throw new AppError("unauthenticated", "Sign in first: the request has no bearer token.");
  }
  return token;
}
