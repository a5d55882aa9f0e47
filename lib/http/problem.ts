import type { Context } from "hono";
import { AppError, type ErrorCode } from "../common/errors.ts";

/** What each code is in HTTP's terms; a code without a row does not compile. */
const PROBLEMS: Record<
  ErrorCode,
  {
    status: 400 | 401 | 403 | 404 | 405 | 408 | 409 | 413 | 429 | 500 | 502 | 503 | 504;
    title: string;
  }
> = {
  invalid_payload: { status: 400, title: "Invalid payload" },
  unauthenticated: { status: 401, title: "Not signed in" },
  token_expired: { status: 401, title: "Token expired" },
  forbidden: { status: 403, title: "Not allowed" },
  not_found: { status: 404, title: "Not found" },
  method_not_allowed: { status: 405, title: "Method not allowed" },
  request_timeout: { status: 408, title: "Request too slow" },
  conflict: { status: 409, title: "Conflict" },
  too_large: { status: 413, title: "Too large" },
  rate_limited: { status: 429, title: "Too many requests" },
  internal: { status: 500, title: "Server error" },
  provider_error: { status: 502, title: "Model provider failed" },
  stream_broken: { status: 502, title: "Model provider broke off" },
  empty_answer: { status: 502, title: "Empty answer" },
  unavailable: { status: 503, title: "Unavailable" },
  timeout: { status: 504, title: "Timed out" },
};

/** The error as problem details (RFC 9457): `type, title, status, code, detail`. */
export function problem(c: Context, { code, message, retryAfterMs }: AppError): Response {
  const { status, title } = PROBLEMS[code];
  if (retryAfterMs !== undefined) c.header("Retry-After", String(Math.ceil(retryAfterMs / 1000)));
  if (status === 401) c.header("WWW-Authenticate", "Bearer");
  // The rest of the body may still come: this connection serves no other request (RFC 9110, 15.5.9).
  if (status === 408) c.header("Connection", "close");
  return c.body(
    JSON.stringify({ type: "about:blank", title, status, code, detail: message }),
    status,
    { "content-type": "application/problem+json" },
  );
}
