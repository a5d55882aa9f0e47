import type { IncomingMessage } from "node:http";

/**
 * The address a request comes from.
 *
 * `X-Forwarded-For` can be written by anyone, so only its last `trustedProxies` entries count: those that our own
 * proxies appended. With 0 (the default) the header is ignored. IPv4 in IPv6 notation is shown as IPv4.
 */
export function remoteAddress(req: IncomingMessage, trustedProxies = 0): string {
  const direct = plainAddress(req.socket.remoteAddress ?? "");
  if (trustedProxies <= 0) return direct;
  const header = req.headers["x-forwarded-for"];
  const hops = (Array.isArray(header) ? header.join(",") : header ?? "")
    .split(",").map((hop) => hop.trim()).filter((hop) => hop !== "");
  const hop = hops[Math.max(0, hops.length - trustedProxies)];
  return hop === undefined ? direct : plainAddress(hop);
}

function plainAddress(address: string): string {
  return address.startsWith("::ffff:") && address.includes(".") ? address.slice(7) : address;
}
