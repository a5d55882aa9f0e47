import { type Context, Hono } from "hono";
import * as v from "valibot";
import { AppError } from "../common/errors.ts";
import { PERMISSIONS } from "../protocol/permissions.ts";
import type { User } from "../protocol/user.ts";
import { requireUser, type Verifier } from "./authentication.ts";
import type { HttpEnv, TokenClaims } from "./http_env.ts";
import { readJson } from "./json_body.ts";
import { EmailSchema, NameSchema, NewPasswordSchema, PasswordSchema } from "./user_fields.ts";

const BODY = { maxBytes: 16 * 1024, timeoutMs: 10_000 };

const SignInSchema = v.object({ email: EmailSchema, password: PasswordSchema });
const SignUpSchema = v.object({
  name: NameSchema,
  email: EmailSchema,
  password: NewPasswordSchema,
});

export interface AuthRoutesOptions {
  users: {
    /** The first becomes the admin; with `onlyFirst`, all others are `forbidden`. */
    create(
      user: { name: string; email: string; password: string },
      options: { onlyFirst: boolean },
    ): Promise<User>;
    /** Takes as long for an unknown address as for a wrong password. */
    authenticate(email: string, password: string): Promise<User | undefined>;
  };
  tokens: Verifier & {
    issue(user: User): Promise<{ token: string; expires_at: number | null }>;
    revoke(claims: TokenClaims): Promise<void>;
  };
  /**
   * Count an attempt of a subject; throw `rate_limited` when there were too many. `byAddress` is
   * the wider one, for what more than one person may stand behind.
   */
  limits: { byAddress(subject: string): Promise<void>; byAccount(subject: string): Promise<void> };
  addressOf(c: Context<HttpEnv>): string;
  isSignupEnabled: boolean;
}

/** `/api/v1/auths` (docs/protocol.md, section 11): sign up, sign in, who am I, sign out. */
export function authRoutes(options: AuthRoutesOptions): Hono<HttpEnv> {
  const { users, tokens, limits, addressOf, isSignupEnabled } = options;
  const routes = new Hono<HttpEnv>();
  const anyRole = requireUser(tokens, { allowPending: true });

  const signedIn = async (user: User) => {
    const { token, expires_at } = await tokens.issue(user);
    return { token, token_type: "Bearer", expires_at, ...profile(user) };
  };

  /**
   * What one address tries on an account ends at the narrow limit and no longer counts for the
   * account, so that one stranger can't lock its owner out; many together reach the wide one.
   */
  const countAttempt = async (address: string, email: string) => {
    await limits.byAddress(address);
    await limits.byAccount(`${email} ${address}`);
    await limits.byAddress(`account ${email}`);
  };

  routes.post("/signup", async (c) => {
    const { name, email, password } = await readJson(c, SignUpSchema, BODY);
    await limits.byAddress(`signup ${addressOf(c)}`);
    const user = await users.create({ name, email, password }, { onlyFirst: !isSignupEnabled });
    return c.json(await signedIn(user));
  });

  routes.post("/signin", async (c) => {
    const { email, password } = await readJson(c, SignInSchema, BODY);
    await countAttempt(addressOf(c), email.toLowerCase());
    const user = await users.authenticate(email, password);
    if (!user) {
      throw new AppError("unauthenticated", "The e-mail address or the password is not right.");
    }
    return c.json(await signedIn(user));
  });

  routes.get("/", anyRole, (c) => {
    const { exp } = c.get("claims");
    const token = c.req.header("authorization")?.split(" ")[1];
    return c.json({
      token,
      token_type: "Bearer",
      expires_at: exp ?? null,
      ...profile(c.get("user")),
    });
  });

  routes.post("/signout", anyRole, async (c) => {
    await tokens.revoke(c.get("claims"));
    return c.json({ status: true });
  });

  return routes;
}

function profile({ id, email, name, role, profile_image_url }: User) {
  return { id, email, name, role, profile_image_url, permissions: PERMISSIONS };
}
