import { Hono } from "hono";
import type { SystemStatus } from "../protocol/system_status.ts";
import type { HttpEnv } from "./http_env.ts";

/** `GET /api/v1/live`: the running system for its admins. Stands behind `requireUser, requireAdmin`. */
export function systemStatusRoutes({ read }: { read(): Promise<SystemStatus> }): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>();
  routes.get("/", async (c) => c.json(await read(), 200, { "cache-control": "no-store" }));
  return routes;
}
