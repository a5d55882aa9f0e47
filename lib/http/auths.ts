import { type Context, Hono } from "hono";
import * as v from "valibot";
import { AppError } from "../common/errors.ts";
import type { Role, User } from "../protocol/user.ts";
import { requireUser, type TokenClaims, type Verifier } from "./authentication.ts";
import type { HttpEnv } from "./http_app.ts";
import { readJson } from "./json_body.ts";

const MAX_BYTES = 16 * 1024;
const EmailSchema = v.pipe(v.string(), v.trim(), v.maxLength(254), v.email("must be an address"));
/** scrypt takes any length; a bound keeps the work bounded. */
const PasswordSchema = v.pipe(v.string(), v.maxLength(1024));

const SignInSchema = v.object({ email: EmailSchema, password: PasswordSchema });
const SignUpSchema = v.object({
  name: v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(100)),
  email: EmailSchema,
  password: v.pipe(PasswordSchema, v.minLength(8, "must have at least 8 characters")),
});

export interface AuthRoutesOptions {
  users: {
    create(user: { name: string; email: string; passwordHash: string; role: Role }): Promise<User>;
    credentials(email: string): Promise<{ user: User; passwordHash: string } | undefined>;
    page(options: { limit: number }): Promise<{ users: User[] }>;
  };
  passwords: {
    hash(password: string): Promise<string>;
    /** Takes as long for nobody's (`undefined`) as for somebody's. */
    verify(password: string, hash: string | undefined): Promise<boolean>;
  };
  tokens: Verifier & {
    issue(userId: string): Promise<{ token: string; expires_at: number | null }>;
    revoke(claims: TokenClaims): Promise<void>;
  };
  /** The token is void from now on, wherever a socket lives by it. */
  onRevoked(userId: string, claims: TokenClaims): Promise<void>;
  /** Count an attempt; throw `rate_limited` when there were too many. */
  limits: { byAddress(address: string): Promise<void>; byAccount(email: string): Promise<void> };
  addressOf(c: Context<HttpEnv>): string;
  defaultRole: Role;
  isSignupEnabled: boolean;
}

/** `/api/v1/auths` (protocol, section 11): sign up, sign in, who am I, sign out. */
export function authRoutes(options: AuthRoutesOptions): Hono<HttpEnv> {
  const { users, passwords, tokens, limits, addressOf } = options;
  const routes = new Hono<HttpEnv>();
  const anyRole = requireUser(tokens, ["pending", "user", "admin"]);

  const signedIn = async (user: User) => {
    const { token, expires_at } = await tokens.issue(user.id);
    return { token, token_type: "Bearer", expires_at, ...profile(user) };
  };

  routes.post("/signup", async (c) => {
    const { name, email, password } = await readJson(c, SignUpSchema, MAX_BYTES);
    await limits.byAddress(addressOf(c));
    if (!options.isSignupEnabled && (await users.page({ limit: 1 })).users.length > 0) {
      throw new AppError("forbidden", "Sign-up is closed: ask an admin for an account.");
    }
    const passwordHash = await passwords.hash(password);
    const role = options.defaultRole;
    return c.json(await signedIn(await users.create({ name, email, passwordHash, role })));
  });

  routes.post("/signin", async (c) => {
    const { email, password } = await readJson(c, SignInSchema, MAX_BYTES);
    await limits.byAddress(addressOf(c));
    await limits.byAccount(email.toLowerCase());
    const found = await users.credentials(email);
    const isRight = await passwords.verify(password, found?.passwordHash);
    if (!found || !isRight) {
      throw new AppError("unauthenticated", "The e-mail address or the password is not right.");
    }
    return c.json(await signedIn(found.user));
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
    const claims = c.get("claims");
    await tokens.revoke(claims);
    await options.onRevoked(claims.id, claims);
    return c.json({ status: true });
  });

  return routes;
}

function profile({ id, email, name, role, profile_image_url }: User) {
  return { id, email, name, role, profile_image_url };
}
