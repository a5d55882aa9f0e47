import type { IncomingMessage, ServerResponse } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { type Context, Hono } from "hono";
import { cors } from "hono/cors";
import { METHOD_NAME_ALL } from "hono/router";
import { secureHeaders } from "hono/secure-headers";
import { AppError, errorText, toAppError } from "../common/errors.ts";
import type { Logger } from "../common/logger.ts";
import { withSpan } from "../common/tracing.ts";
import type { HttpEnv } from "./http_env.ts";
import { problem } from "./problem.ts";

export interface HttpAppOptions {
  /** Origins whose pages may call the API beside the server's own; `"*"`: any. */
  allowedOrigins: readonly string[] | "*";
  /** Where the pages are: `/app`. Default: empty, at the root. */
  basePath?: string;
  logger: Logger;
}

const REQUEST_HEADERS = ["authorization", "content-type", "last-event-id"];
/** What pages of other origins may read beside the body. */
const EXPOSED = ["retry-after", "x-next-cursor"];

/**
 * The app on which each resource mounts its routes: `app.route("/api/v1/chats", chatRoutes({…}))`.
 * What a route throws is answered as problem details; what is no `AppError` is logged and answered
 * as `internal`.
 */
export function createHttpApp(
  { allowedOrigins, basePath = "", logger }: HttpAppOptions,
): Hono<HttpEnv> {
  // Open WebUI's own lists end in a slash: `/api/v1/users/` and `/api/v1/users` are one.
  const app = new Hono<HttpEnv>({ strict: false });
  app.use(secureHeaders({ crossOriginResourcePolicy: false }));
  if (allowedOrigins === "*" || allowedOrigins.length > 0) {
    const origin = allowedOrigins === "*" ? "*" : [...allowedOrigins];
    app.use(cors({ origin, allowHeaders: REQUEST_HEADERS, exposeHeaders: EXPOSED, maxAge: 600 }));
  }
  app.use((c, next) => withSpan(`${c.req.method} ${c.req.path}`, {}, next));
  app.notFound((c) => {
    const allowed = methodsAt(app, c.req.path);
    if (allowed.length === 0) {
      if (isNavigation(c)) return c.html(nothingHere(basePath), 404);
      return problem(c, new AppError("not_found", "There is nothing here."));
    }
    c.header("Allow", allowed.join(", "));
    const message = `This address takes ${allowed.join(", ")}, and not ${c.req.method}.`;
    return problem(c, new AppError("method_not_allowed", message));
  });
  app.onError((thrown, c) => {
    const error = toAppError(thrown);
    if (error.code === "internal" || error.code === "unavailable") {
      const { method, path } = c.req;
      // What is away for now is told once, by what watches it; a fault of ours is news.
      const level = error.code === "internal" ? "error" : "warn";
      logger[level]("request failed", { method, path, error: errorText(thrown) });
    }
    return problem(c, error);
  });
  return app;
}

/** What a person sees whose address leads nowhere. */
const nothingHere = (basePath: string) =>
  `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>There is no such page</title>
<h1>There is no such page</h1>
<p>The address leads nowhere. <a href="${basePath}/">To the start</a></p>
</html>
`;

/** Whether a person's browser goes to this address, rather than a program. */
function isNavigation(c: Context): boolean {
  const { method, path } = c.req;
  return method === "GET" && !/^\/(?:api|ws|assets|pyodide)\//.test(path) &&
    (c.req.header("accept") ?? "").includes("text/html");
}

/** The methods for which something is mounted at the path; what serves any method is no route. */
function methodsAt(app: Hono<HttpEnv>, path: string): string[] {
  const methods = new Set(app.routes.map(({ method }) => method));
  methods.delete(METHOD_NAME_ALL);
  const mounted = [...methods].filter((method) => {
    const [matched] = app.router.match(method, path);
    return matched.some(([[, route]]) => route.method === method);
  });
  return mounted.flatMap((method) => method === "GET" ? ["GET", "HEAD"] : [method]).sort();
}

/** The app as a listener of node:http. */
export function nodeListener(
  app: Hono<HttpEnv>,
): (req: IncomingMessage, res: ServerResponse) => void {
  const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  return (req, res) => {
    // HTTP/1.0 has no Host (RFC 9110, 7.2), which health checks of balancers make use of.
    if (req.httpVersion === "1.0") req.headers.host ??= "localhost";
    void listener(req, res);
  };
}
