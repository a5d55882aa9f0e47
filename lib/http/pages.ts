import { type Context, Hono } from "hono";
import { AppError } from "../common/errors.ts";
import type { HttpEnv } from "./http_env.ts";

/** A built file (`deno task build`). */
interface Asset {
  file: string;
  type: string;
  etag: string;
  isImmutable: boolean;
  isCompressed: boolean;
}

export interface PageRoutesOptions {
  /** Where the built pages are. Default: `lib/web/dist/`. */
  folder?: URL;
}

/**
 * Only our own scripts and styles run. Requests may go anywhere, because a person's own model or
 * tool server can be anywhere; pictures may not, because a picture's address in an answer would
 * tell a stranger what was said.
 */
const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "font-src 'self'",
  "connect-src 'self' ws: wss: http: https:",
  "worker-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join("; ");

/** A worker has the policy of its own answer. Python may load its runtime, and reach nobody else. */
const WORKER_POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "connect-src 'self'",
].join("; ");

const NOT_BUILT = "The pages are not built: run `deno task build` and start again.\n";
const ONE_YEAR_S = 31_536_000;

/** The pages: files as they were built, compressed, with caching and a content security policy. */
export function pageRoutes(
  { folder = new URL("../web/dist/", import.meta.url) }: PageRoutesOptions = {},
): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>();
  const assets = readAssets(folder);
  if (!assets) {
    routes.get("/", (c) => c.text(NOT_BUILT, 503));
    return routes;
  }
  const read = cachedReader(folder);
  routes.get("/", (c) => serve(c, assets["/"], read));
  for (const [path, asset] of Object.entries(assets)) {
    if (path !== "/") routes.get(path, (c) => serve(c, asset, read));
  }
  return routes;
}

function readAssets(folder: URL): Record<string, Asset> | undefined {
  try {
    return JSON.parse(Deno.readTextFileSync(new URL("assets.json", folder)));
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return undefined;
    throw thrown;
  }
}

type Reader = (file: string) => Promise<Uint8Array<ArrayBuffer>>;

/** Each built file is read once; there are few, and all are small but the Python runtime. */
function cachedReader(folder: URL): Reader {
  const texts = new Map<string, Promise<Uint8Array<ArrayBuffer>>>();
  return (file) => {
    const known = texts.get(file);
    if (known) return known;
    const reading = Deno.readFile(new URL(file, folder));
    texts.set(file, reading);
    reading.catch(() => texts.delete(file));
    return reading;
  };
}

async function serve(c: Context, asset: Asset | undefined, read: Reader): Promise<Response> {
  if (!asset) throw new AppError("not_found", "There is nothing here.");
  const { file, type, etag, isImmutable, isCompressed } = asset;
  const encoding = isCompressed ? encodingOf(c.req.header("accept-encoding") ?? "") : undefined;
  const headers: Record<string, string> = {
    etag,
    "cache-control": isImmutable ? `public, max-age=${ONE_YEAR_S}, immutable` : "no-cache",
    ...(isCompressed && { vary: "accept-encoding" }),
    ...(/javascript|wasm/.test(type) && { "content-security-policy": WORKER_POLICY }),
    ...(type.startsWith("text/html") && { "content-security-policy": PAGE_POLICY }),
    // Only a page that embeds nobody else may share memory with its worker, which `input()` needs.
    ...(/html|javascript/.test(type) && { "cross-origin-embedder-policy": "require-corp" }),
  };
  if (c.req.header("if-none-match")?.split(/,\s*/).includes(etag)) {
    return c.body(null, 304, headers);
  }
  const bytes = await read(encoding ? `${file}.${encoding.suffix}` : file);
  return c.body(bytes, 200, {
    ...headers,
    "content-type": type,
    ...(encoding && { "content-encoding": encoding.name }),
  });
}

function encodingOf(accepted: string): { name: string; suffix: string } | undefined {
  if (/\bbr\b/.test(accepted)) return { name: "br", suffix: "br" };
  if (/\bgzip\b/.test(accepted)) return { name: "gzip", suffix: "gz" };
  return undefined;
}
