import { Hono } from "hono";
import { AppError } from "../common/errors.ts";
import type { PublicUser } from "../protocol/user.ts";
import type { HttpEnv } from "./http_env.ts";

const SHOWN = 30;
const MAX_LENGTH = 200;

export interface UserSearchOptions {
  search(text: string, limit: number): Promise<PublicUser[]>;
}

/** `/api/v1/users/search`: people by name, for everybody who may enter. Wants a user. */
export function userSearchRoutes({ search }: UserSearchOptions): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>();
  routes.get("/search", async (c) => {
    const text = c.req.query("query") ?? "";
    if (text.length > MAX_LENGTH) {
      throw new AppError("invalid_payload", `query: must have at most ${MAX_LENGTH} characters`);
    }
    return c.json({ users: await search(text, SHOWN) });
  });
  return routes;
}
