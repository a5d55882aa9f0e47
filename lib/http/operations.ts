import { createHash, timingSafeEqual } from "node:crypto";
import { type Context, Hono } from "hono";
import { deadline } from "../common/deadline.ts";

/** One thing that must work before the instance takes traffic. */
export interface ReadinessCheck {
  name: string;
  /** Rejects when it doesn't work. */
  check: () => Promise<void>;
}

export interface OperationsOptions {
  checks: readonly ReadinessCheck[];
  /** How long all checks may take; they run at once. Default: 2,000. */
  checkTimeoutMs?: number;
  /** With a token, `/metrics` asks for it as a bearer; without one, it answers this machine only. */
  metricsToken?: string;
  metrics: { readonly contentType: string; text(): Promise<string> };
  /** The address of the TCP peer, never one that a header claims. */
  peerAddress: (context: Context) => string | undefined;
  /** The version of HTTP that the peer speaks. */
  httpVersion?: (context: Context) => string;
  /** Told when a check fails that held before, and (`undefined`) when it holds again; the answer only names it. */
  onChange?: (name: string, thrown: unknown) => void;
}

const LOOPBACK = /^(127\.\d+\.\d+\.\d+|::1|::ffff:127\.\d+\.\d+\.\d+)$/i;
const LOCAL_NAME = /^(localhost|.+\.localhost|127\.\d+\.\d+\.\d+|\[::1\])$/i;
/** What proxies add, each its own: any of them says that somebody else is asking. */
const PROXY_HEADER =
  /^(via|forwarded|x-forwarded(-.*)?|x-real-ip|x-original-.*|x-client-ip|x-cluster-client-ip|x-envoy-.*|x-proxy.*|true-client-ip|cf-.*|fastly-.*)$/;

/** `/health` (alive), `/ready` (may take traffic) and `/metrics` (Prometheus). */
export function operations(options: OperationsOptions): Hono {
  const { checks, checkTimeoutMs = 2_000 } = options;
  const app = new Hono();
  app.get("/health", (context) => context.json({ status: true }));

  const failing = new Set<string>();
  const isChanged = (name: string, fails: boolean) => {
    if (failing.has(name) === fails) return false;
    if (fails) failing.add(name);
    else failing.delete(name);
    return true;
  };

  app.get("/ready", async (context) => {
    const failed = (await Promise.all(checks.map(async ({ name, check }) => {
      try {
        await deadline(check(), checkTimeoutMs, name);
        if (isChanged(name, false)) options.onChange?.(name, undefined);
        return [];
      } catch (thrown) {
        if (isChanged(name, true)) options.onChange?.(name, thrown);
        return [name];
      }
    }))).flat();
    const isReady = failed.length === 0;
    return context.json({ status: isReady, failed }, isReady ? 200 : 503);
  });

  app.get("/metrics", async (context) => {
    if (!maySeeMetrics(context, options)) return context.text("Forbidden\n", 403);
    return context.text(await options.metrics.text(), 200, {
      "content-type": options.metrics.contentType,
    });
  });
  return app;
}

function maySeeMetrics(
  context: Context,
  { metricsToken, peerAddress, httpVersion }: OperationsOptions,
): boolean {
  if (metricsToken !== undefined) {
    return isSame(context.req.header("authorization") ?? "", `Bearer ${metricsToken}`);
  }
  // A proxy on this machine is a loopback peer, too, but speaks for somebody else. Without a header
  // it is known by the host that it was asked for, or by its HTTP/1.0.
  if ([...context.req.raw.headers.keys()].some((name) => PROXY_HEADER.test(name))) return false;
  if (!LOCAL_NAME.test(new URL(context.req.url).hostname)) return false;
  if (httpVersion?.(context) === "1.0") return false;
  return LOOPBACK.test(peerAddress(context) ?? "");
}

/** In constant time, whatever the lengths. */
function isSame(given: string, wanted: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(wanted));
}
