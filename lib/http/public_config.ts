import { Hono } from "hono";
import type { PublicConfig } from "../protocol/public_config.ts";
import type { HttpEnv } from "./http_env.ts";

export interface PublicConfigOptions {
  isSignupEnabled: boolean;
  /** Whether there is a first user, who is the admin. */
  hasFirstUser(): Promise<boolean>;
}

/** `GET /api/config`, in Open WebUI's shape: what a page may offer to who is not signed in yet. */
export function publicConfigRoutes(
  { isSignupEnabled, hasFirstUser }: PublicConfigOptions,
): Hono<HttpEnv> {
  return new Hono<HttpEnv>().get("/", async (c) => {
    const onboarding = !(await hasFirstUser());
    const config: PublicConfig = {
      status: true,
      onboarding,
      features: { enable_signup: isSignupEnabled || onboarding },
    };
    return c.json(config);
  });
}
