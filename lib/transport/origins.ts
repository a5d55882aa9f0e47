import type { IncomingMessage } from "node:http";

/** Decides whether the page that sent a request may talk to this server. */
export type OriginCheck = (req: IncomingMessage) => boolean;

/**
 * Makes the check for a list of origins (`"*"`: any).
 *
 * Passes: no `Origin` (not a browser), the same host as the request's own, or one of the list. `null` (a sandboxed
 * frame, a local file) passes only with `"*"`.
 *
 * @throws {TypeError} when an entry of the list isn't an origin
 */
export function originCheck(allowed: readonly string[] | "*"): OriginCheck {
  if (allowed === "*" || allowed.includes("*")) return () => true;
  const origins = new Set(allowed.map((entry) => {
    if (!URL.canParse(entry)) throw new TypeError(`Cannot allow the origin: ${entry}`);
    return new URL(entry).origin;
  }));
  return (req) => {
    const origin = req.headers.origin;
    if (origin === undefined) return true;
    if (!URL.canParse(origin)) return false;
    const url = new URL(origin);
    if (url.origin === "null" || url.origin !== origin.toLowerCase()) return false;
    return origins.has(url.origin) || isSameHost(url, req.headers.host);
  };
}

/** The host of the request, read with the origin's scheme, so that a default port counts as none. */
function isSameHost(origin: URL, host: string | undefined): boolean {
  if (host === undefined || !URL.canParse(`${origin.protocol}//${host}`)) return false;
  const own = new URL(`${origin.protocol}//${host}`);
  return own.host === origin.host && own.username === "" && own.pathname === "/";
}
