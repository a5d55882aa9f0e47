import type { HttpBindings } from "@hono/node-server";
import type { User } from "../protocol/user.ts";

/** The claims of a verified token, as far as routes need them. */
export interface TokenClaims {
  id: string;
  iat?: number | undefined;
  exp?: number | undefined;
  jti?: string | undefined;
}

/** What every route finds in its context, behind `requireUser`. */
export interface HttpEnv {
  Bindings: HttpBindings;
  Variables: { user: User; claims: TokenClaims };
}
