/** Sign-in and users over real HTTP, on a store that fails on demand and with cheap passwords. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import assert from "node:assert/strict";
import type { Hono } from "hono";
import { SignInGuard } from "../../lib/auth/sign_in_guard.ts";
import { TokenService } from "../../lib/auth/token_service.ts";
import { type Logger, silentLogger } from "../../lib/common/logger.ts";
import { requireAdmin, requireUser } from "../../lib/http/authentication.ts";
import { authRoutes } from "../../lib/http/auths.ts";
import { createHttpApp, nodeListener } from "../../lib/http/http_app.ts";
import type { HttpEnv } from "../../lib/http/http_env.ts";
import { userRoutes } from "../../lib/http/users.ts";
import { PasswordHasher } from "../../lib/users/password_hasher.ts";
import { UserStore } from "../../lib/users/user_store.ts";
import { FaultyStore } from "../support/faulty_store.ts";
import { until } from "../support/until.ts";

export interface Listening extends AsyncDisposable {
  url: string;
  port: number;
}

/** Serves a listener on a free port of this machine. */
export async function listen(
  onRequest: (req: IncomingMessage, res: ServerResponse) => void,
): Promise<Listening> {
  const unread = new Set<IncomingMessage>();
  const server = createServer((req, res) => {
    unread.add(req);
    req.once("close", () => unread.delete(req));
    onRequest(req, res);
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", resolve);
  await promise;
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    async [Symbol.asyncDispose]() {
      // Behind the answer, the library drains a body that nobody has read.
      await until(() => [...unread].every(({ socket }) => socket.destroyed), { what: "the drain" });
      const { promise, resolve } = Promise.withResolvers<void>();
      server.close(() => resolve());
      server.closeAllConnections();
      await promise;
      // Node ends a request with its socket, and the library's wait with it; Deno does not.
      for (const request of unread) request.destroy(new Error("closed"));
    },
  };
}

export interface ApiOptions {
  logger?: Logger;
  /** Further routes. */
  extend?: (app: Hono<HttpEnv>) => void;
}

export async function openApi({ logger = silentLogger, extend }: ApiOptions = {}) {
  const stack = new AsyncDisposableStack();
  const faulty = stack.use(await FaultyStore.open());
  const { store } = faulty;
  const announce = () => Promise.resolve();
  const users = new UserStore({
    store,
    announce,
    defaultRole: "user",
    passwords: new PasswordHasher({ cost: { logN: 4, r: 8, p: 1 }, maxWaiting: 1_000 }),
  });
  const findUser = (id: string) => users.get(id);
  const tokens = await TokenService.open({ store, findUser, announce, secret: "for tests only" });
  const signIns = new SignInGuard({ store, secret: "for tests only", limit: 10_000 });
  const app = createHttpApp({ allowedOrigins: [], logger });
  app.route(
    "/api/v1/auths",
    authRoutes({
      users,
      tokens,
      isSignupEnabled: true,
      addressOf: (c) => c.env.incoming.socket.remoteAddress ?? "",
      signIns,
      tell: () => {},
    }),
  );
  app.use("/api/v1/users/*", requireUser(tokens), requireAdmin);
  app.route("/api/v1/users", userRoutes({ users, tokens, tell: () => {} }));
  extend?.(app);
  const { url, port } = stack.use(await listen(nodeListener(app)));
  return { url, port, faulty, users, tokens, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

export const PASSWORD = "correct horse battery";

export function post(
  url: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}

export const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

export interface Problem {
  type: string;
  title: string;
  status: number;
  code: string;
  detail: string;
}

/** Reads a refusal and holds all that every refusal must be. */
export async function refusal(
  response: Response,
  status: number,
  code: string,
): Promise<Problem> {
  const text = await response.text();
  assert.equal(response.status, status, text);
  assert.equal(response.headers.get("content-type"), "application/problem+json");
  const problem: Problem = JSON.parse(text);
  assert.deepEqual(Object.keys(problem), ["type", "title", "status", "code", "detail"]);
  assert.equal(problem.type, "about:blank");
  assert.equal(problem.status, status);
  assert.equal(problem.code, code);
  assert.ok(problem.title !== "" && problem.detail !== "");
  assert.doesNotMatch(text, /\bat .*:\d+|\.ts\b|node_modules|Error:/, "internals in an answer");
  assert.equal(response.headers.get("www-authenticate"), status === 401 ? "Bearer" : null);
  return problem;
}
