import type { IncomingMessage, ServerResponse } from "node:http";

type Listener = (req: IncomingMessage, res: ServerResponse) => void;

/** What a balancer asks is asked of the server itself, whatever stands before its pages. */
const OPERATIONS = /^\/(health|ready|metrics)(\?|$)/;

/**
 * Serves the listener under a prefix (`/app`, or an empty one), of which it knows nothing: pages name
 * everything relatively to their own address.
 */
export function underBasePath(basePath: string, listener: Listener): Listener {
  if (basePath === "") return listener;
  return (req, res) => {
    const url = req.url ?? "/";
    const rest = url.startsWith(basePath) ? url.slice(basePath.length) : undefined;
    if (rest?.startsWith("/")) req.url = rest;
    // Without its last slash the page's own names would lead elsewhere.
    else if (rest === "" || rest?.startsWith("?")) return redirect(res, `${basePath}/${rest}`);
    else if (!OPERATIONS.test(url)) req.url = `/outside${url}`;
    listener(req, res);
  };
}

function redirect(res: ServerResponse, location: string): void {
  res.writeHead(308, { location, "cache-control": "no-cache" });
  res.end();
}
