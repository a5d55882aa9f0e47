import type { IncomingMessage } from "node:http";
import { isIPv6 } from "node:net";

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

/**
 * Whom limits count: the address, or of IPv6 its network of 64 bits, `2001:db8:0:1::/64`. A provider gives each
 * customer at least one of those (RFC 6177), with more addresses in it than any limit could count.
 */
export function limitedAddress(req: IncomingMessage, trustedProxies = 0): string {
  return networkOf(remoteAddress(req, trustedProxies));
}

/** As {@linkcode limitedAddress}, of the TCP peer itself. */
export function limitedPeer(address: string | undefined): string {
  return networkOf(plainAddress(address ?? ""));
}

function networkOf(address: string): string {
  const bare = address.replace(/%.*$/, "");
  if (!isIPv6(bare)) return address;
  const [head = "", tail] = canonical(bare).split("::");
  const first = head === "" ? [] : head.split(":");
  const last = tail ? tail.split(":") : [];
  const zeros = Array<string>(8 - first.length - last.length).fill("0");
  return `${[...first, ...zeros, ...last].slice(0, 4).join(":")}::/64`;
}

/** In one spelling whatever it was written in: lower case, without leading zeros, all of it in hexadecimal. */
const canonical = (address: string) => new URL(`http://[${address}]`).hostname.slice(1, -1);

function plainAddress(address: string): string {
  const isMapped = /^::ffff:/i.test(address) && address.includes(".");
  return isMapped ? address.slice("::ffff:".length) : address;
}
