import type { MiddlewareHandler } from "hono";
import { AppError } from "../common/errors.ts";
import { UserBudgets } from "../common/user_budgets.ts";
import type { HttpEnv } from "./http_env.ts";

export interface WriteLimits {
  /** Requests that change something, of one user. */
  writesPerSecond: number;
  /** Bytes of their bodies. */
  bytesPerSecond: number;
}

const READING = new Set(["GET", "HEAD", "OPTIONS"]);
/** What comes of a good day's work at once: a script that imports, ten tabs that save. */
const BURST_SECONDS = 20;

/** Bounds what one user writes by HTTP, on this instance. Stands behind `requireUser`. */
export function writeLimits(
  { writesPerSecond, bytesPerSecond }: WriteLimits,
): MiddlewareHandler<HttpEnv> {
  const budgets = [
    { name: "QUOTA_WRITES_PER_SECOND", perSecond: writesPerSecond, of: "requests that write" },
    { name: "QUOTA_WRITE_BYTES_PER_SECOND", perSecond: bytesPerSecond, of: "bytes" },
  ].map(({ perSecond, ...limit }) => ({
    ...limit,
    perSecond,
    taken: new UserBudgets({ perSecond, burst: perSecond * BURST_SECONDS }),
  }));
  const [requests, bytes] = budgets;
  return async (c, next) => {
    if (READING.has(c.req.method)) return await next();
    const userId = c.get("user").id;
    for (const { name, perSecond, of, taken } of budgets) {
      const retryAfterMs = taken.waitMs(userId);
      if (retryAfterMs === 0) continue;
      const message = `${name}: at most ${perSecond} ${of} a second.`;
      throw new AppError("rate_limited", message, { retryAfterMs });
    }
    requests?.taken.spend(userId, 1);
    // A body without a length is no longer than any may be; it counts as one of a page's requests.
    bytes?.taken.spend(userId, Number(c.req.header("content-length") ?? UNKNOWN_BYTES));
    await next();
  };
}

const UNKNOWN_BYTES = 1024 * 1024;
