import type { IncomingMessage } from "node:http";
import type { Logger } from "../common/logger.ts";

/**
 * Says once that a proxy stands in front that the configuration does not know: everybody behind it
 * shares the limits of one address, sign-ins included, and nothing else would tell why.
 */
export function untrustedProxyNotice(
  trustedProxies: number,
  logger: Logger,
): (req: IncomingMessage) => void {
  let isSaid = trustedProxies > 0;
  return ({ headers, socket }) => {
    if (isSaid || headers["x-forwarded-for"] === undefined) return;
    isSaid = true;
    logger.warn(
      "a request was forwarded by a proxy that is not trusted: everybody behind it counts as one address; set TRUSTED_PROXIES to the number of proxies in front",
      { proxy: socket.remoteAddress },
    );
  };
}
