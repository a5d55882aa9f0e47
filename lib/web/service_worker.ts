/// <reference lib="dom" />
/**
 * Keeps the pages and what was last read, so that they open without a connection. Files named by
 * their content come from the cache; everything else is asked for first.
 */
interface ExtendableEvent extends Event {
  waitUntil(work: Promise<unknown>): void;
}
interface FetchEvent extends ExtendableEvent {
  readonly request: Request;
  respondWith(answer: Promise<Response> | Response): void;
}
interface WorkerScope extends EventTarget {
  readonly __shell: { version: string; paths: string[] };
  readonly clients: { claim(): Promise<void> };
  skipWaiting(): Promise<void>;
}

const scope = globalThis as unknown as WorkerScope;
/** Where the pages are, without the last slash. */
const BASE = location.pathname.replace(/\/[^/]*$/, "");
const SHELL = `shell-${scope.__shell.version}`;
/** Emptied when somebody signs out. */
const READ = "read";
/** What is worth reading offline. */
const READABLE = /^\/api\/(models$|v1\/(auths|chats|notes|channels)\/)/;
/** Below this wait, a slow network is still asked; above, the kept answer is better. */
const NETWORK_TIMEOUT_MS = 4_000;

async function install(): Promise<void> {
  const cache = await caches.open(SHELL);
  await cache.addAll(scope.__shell.paths.map((path) => BASE + path));
  await scope.skipWaiting();
}

async function activate(): Promise<void> {
  for (const name of await caches.keys()) {
    if (name.startsWith("shell-") && name !== SHELL) await caches.delete(name);
  }
  await scope.clients.claim();
}

async function shellFirst(request: Request): Promise<Response> {
  const kept = await caches.match(request);
  return kept ?? fetch(request);
}

/** The newest of what has a fixed name; without a network, what was kept. */
async function page(request: Request, { pathname }: URL): Promise<Response> {
  try {
    return await fetch(request, { signal: AbortSignal.timeout(NETWORK_TIMEOUT_MS) });
  } catch {
    return await caches.match(request.mode === "navigate" ? `${BASE}/` : pathname) ??
      Response.error();
  }
}

/** The network's answer, kept for later; without a network, what was kept. */
async function readFirst(request: Request): Promise<Response> {
  const cache = await caches.open(READ);
  try {
    const answer = await fetch(request);
    if (answer.ok) await cache.put(request, answer.clone());
    return answer;
  } catch (thrown) {
    const kept = await cache.match(request, { ignoreVary: true });
    if (kept) return kept;
    throw thrown;
  }
}

scope.addEventListener("install", (event) => (event as ExtendableEvent).waitUntil(install()));
scope.addEventListener("activate", (event) => (event as ExtendableEvent).waitUntil(activate()));
scope.addEventListener("fetch", (event) => {
  const { request, respondWith } = event as FetchEvent;
  const url = new URL(request.url);
  const isOurs = url.origin === location.origin && url.pathname.startsWith(`${BASE}/`);
  if (request.method !== "GET" || !isOurs) return;
  const path = url.pathname.slice(BASE.length);
  if (request.mode === "navigate") return respondWith.call(event, page(request, url));
  if (path.startsWith("/assets/") || path.startsWith("/pyodide/")) {
    return respondWith.call(event, shellFirst(request));
  }
  if (scope.__shell.paths.includes(path)) return respondWith.call(event, page(request, url));
  if (READABLE.test(path)) return respondWith.call(event, readFirst(request));
});
