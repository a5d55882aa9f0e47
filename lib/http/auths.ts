import { type Context, Hono } from "hono";
import { getCookie, setCookie } from "hono/cookie";
import * as v from "valibot";
import type { SignInGuard } from "../auth/sign_in_guard.ts";
import { AppError } from "../common/errors.ts";
import type { Comer } from "../common/fair_queue.ts";
import { PERMISSIONS } from "../protocol/permissions.ts";
import type { User, UserEvent } from "../protocol/user.ts";
import { normalisedEmail } from "../users/user_record.ts";
import { requireUser, type Verifier } from "./authentication.ts";
import type { HttpEnv, TokenClaims } from "./http_env.ts";
import { readJson } from "./json_body.ts";
import {
  EmailSchema,
  NameSchema,
  NewPasswordSchema,
  PasswordSchema,
  PictureSchema,
} from "./user_fields.ts";

const BODY = { maxBytes: 16 * 1024, timeoutMs: 10_000 };

const SignInSchema = v.object({ email: EmailSchema, password: PasswordSchema });
const SignUpSchema = v.object({
  name: NameSchema,
  email: EmailSchema,
  password: NewPasswordSchema,
});

const PasswordChangeSchema = v.object({
  password: PasswordSchema,
  new_password: NewPasswordSchema,
});

/** One's own picture stands in the record as text, which is read with it: a small one. */
const MAX_PICTURE = 64 * 1024;
const PROFILE_BYTES = MAX_PICTURE + 4_096;

const ProfileSchema = v.object({
  name: NameSchema,
  profile_image_url: v.optional(v.pipe(PictureSchema, v.maxLength(MAX_PICTURE))),
});

/** The cookie by which a device is known. */
const DEVICE = "rt_device";
const DEVICE_SECONDS = 365 * 86_400;

export interface AuthRoutesOptions {
  users: {
    /** The first becomes the admin; with `onlyFirst`, all others are `forbidden`. */
    create(
      user: { name: string; email: string; password: string },
      options: { onlyFirst: boolean; comer: Comer },
    ): Promise<User>;
    /** Takes as long for an unknown address as for a wrong password. */
    authenticate(email: string, password: string, comer: Comer): Promise<User | undefined>;
    update(
      userId: string,
      patch: { password: string } | { name: string; profile_image_url?: string | undefined },
    ): Promise<User>;
  };
  tokens: Verifier & {
    issue(user: User): Promise<{ token: string; expires_at: number | null }>;
    revoke(claims: TokenClaims): Promise<void>;
    revokeAll(userId: string): Promise<void>;
  };
  signIns: Pick<SignInGuard, "admit" | "admitNew" | "admitKnown" | "welcome">;
  /** Where the cookie counts by which a device is known. Default: `/`. */
  cookiePath?: string;
  addressOf(c: Context<HttpEnv>): string;
  isSignupEnabled: boolean;
  /** Tells admins, and the person, how somebody is now. */
  tell(event: UserEvent): void;
}

/** `/api/v1/auths` (docs/protocol.md, section 11): sign up, sign in, who am I, sign out, another
 * password. */
export function authRoutes(options: AuthRoutesOptions): Hono<HttpEnv> {
  const { users, tokens, signIns, addressOf, isSignupEnabled, tell, cookiePath = "/" } = options;
  const routes = new Hono<HttpEnv>();
  const anyRole = requireUser(tokens, { allowPending: true });

  const session = async (user: User) => {
    const { token, expires_at } = await tokens.issue(user);
    return { token, token_type: "Bearer", expires_at, ...profile(user) };
  };

  /** The session, and a cookie by which this device is known at the next sign-in; it opens nothing. */
  const signedIn = async (c: Context<HttpEnv>, user: User) => {
    const address = addressOf(c);
    const email = normalisedEmail(user.email);
    const device = await signIns.welcome({ email, address, device: getCookie(c, DEVICE) });
    setCookie(c, DEVICE, device, {
      path: cookiePath,
      httpOnly: true,
      sameSite: "Strict",
      maxAge: DEVICE_SECONDS,
    });
    return c.json(await session(user));
  };

  routes.post("/signup", async (c) => {
    const { name, email, password } = await readJson(c, SignUpSchema, BODY);
    const comer = await signIns.admitNew(addressOf(c));
    const asked = { onlyFirst: !isSignupEnabled, comer };
    const user = await users.create({ name, email, password }, asked);
    tell({ type: "created", user });
    return await signedIn(c, user);
  });

  routes.post("/signin", async (c) => {
    const { email, password } = await readJson(c, SignInSchema, BODY);
    const comer = await signIns.admit({
      email: normalisedEmail(email),
      address: addressOf(c),
      device: getCookie(c, DEVICE),
    });
    const user = await users.authenticate(email, password, comer);
    if (!user) {
      throw new AppError("unauthenticated", "The e-mail address or the password is not right.");
    }
    return await signedIn(c, user);
  });

  // Whoever knew the old password, or had a token by it, is out; this session goes on with the answer's.
  routes.post("/update/password", anyRole, async (c) => {
    const { password, new_password } = await readJson(c, PasswordChangeSchema, BODY);
    const user = c.get("user");
    const comer = await signIns.admitKnown(user);
    if (!await users.authenticate(user.email, password, comer)) {
      throw new AppError("invalid_payload", "password: is not the one of now");
    }
    await users.update(user.id, { password: new_password });
    await tokens.revokeAll(user.id);
    return c.json(await session(user));
  });

  routes.post("/update/profile", anyRole, async (c) => {
    const patch = await readJson(c, ProfileSchema, { ...BODY, maxBytes: PROFILE_BYTES });
    const user = await users.update(c.get("user").id, patch);
    tell({ type: "updated", user });
    return c.json(profile(user));
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

  routes.post("/signout/everywhere", anyRole, async (c) => {
    await tokens.revokeAll(c.get("user").id);
    return c.json({ status: true });
  });

  return routes;
}

function profile({ id, email, name, role, profile_image_url }: User) {
  return { id, email, name, role, profile_image_url, permissions: PERMISSIONS };
}
