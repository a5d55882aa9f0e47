import { Hono } from "hono";
import type { LiveView } from "../protocol/live.ts";
import type { HttpEnv } from "./http_env.ts";

/** `GET /api/v1/live`: the running system for its admins. Stands behind `requireUser, requireAdmin`. */
export function liveRoutes({ read }: { read(): Promise<LiveView> }): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>();
  routes.get("/", async (c) => c.json(await read(), 200, { "cache-control": "no-store" }));
  return routes;
}
