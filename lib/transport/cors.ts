import type { IncomingMessage, ServerResponse } from "node:http";

/**
 * Sets the CORS headers of a polling request whose origin has passed the check, and answers a preflight.
 *
 * @returns true when the request was a preflight and is answered
 */
export function applyCors(req: IncomingMessage, res: ServerResponse, anyOrigin: boolean): boolean {
  const origin = req.headers.origin;
  if (origin !== undefined) {
    res.setHeader("Access-Control-Allow-Origin", anyOrigin ? "*" : origin);
    // With any origin, cookies stay out: a page of someone else's must not act with a user's cookies.
    if (!anyOrigin) {
      res.setHeader("Access-Control-Allow-Credentials", "true");
      res.setHeader("Vary", "Origin");
    }
  }
  if (req.method !== "OPTIONS") return false;
  res.setHeader("Access-Control-Allow-Methods", "GET,POST");
  res.setHeader("Access-Control-Allow-Headers", "content-type,authorization");
  res.setHeader("Access-Control-Max-Age", "600");
  res.writeHead(204).end();
  return true;
}
