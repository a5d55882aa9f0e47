import type { HttpRoutes, RouteAnswer, RouteName, SignedIn } from "../protocol/http_routes.ts";
import type { ErrorCode } from "../protocol/error_codes.ts";
import { waited } from "./abortable.ts";
import { ClientError } from "./errors.ts";

/** What says who calls. */
export interface ApiOptions {
  /** `https://host[:port][/base]`. Default: the root of where the page comes from. */
  url?: string | undefined;
  /** The token, or what gives the token of now; `undefined`: signed out, which is the default. */
  token?: string | (() => string | undefined | Promise<string | undefined>) | undefined;
  /** A token was refused: another one, with which the request is made once more. */
  renew?: ((refused: string) => Promise<string | undefined>) | undefined;
  /** A request was refused as not signed in, and there is no other token. */
  onSignedOut?: (() => void) | undefined;
  /** How long a request may take, in milliseconds. Default: 30,000. */
  timeoutMs?: number | undefined;
}

/** A part of a list, and where it goes on. */
export interface Page<T> {
  /** What this part has in it. */
  items: T[];
  /** `undefined`: this is the end. */
  cursor: string | undefined;
}

/** The names in braces of a path. */
export type NameIn<P extends string> = P extends `${string}{${infer Name}}${infer Rest}`
  ? Name | NameIn<Rest>
  : never;
/** A field of a route, or none. */
export type Keyed<R, K extends string> = K extends keyof R ? { [P in K]: R[P] }
  : { [P in K]?: undefined };

/** What a request to a route may, or must, say. */
export type RouteOptions<R extends RouteName> =
  & ([NameIn<R>] extends [never] ? { params?: undefined } : { params: Record<NameIn<R>, string> })
  & Keyed<HttpRoutes[R], "body">
  & { query?: HttpRoutes[R] extends { query: infer Q } ? Q : undefined }
  & {
    /** Ends the request; what is thrown then is the signal's reason. */
    signal?: AbortSignal | undefined;
    /** Default: that of the API. */
    timeoutMs?: number | undefined;
  };

/** The options may be left out where none is needed. */
export type RouteArguments<R extends RouteName> = Record<never, never> extends RouteOptions<R>
  ? [options?: RouteOptions<R>]
  : [options: RouteOptions<R>];

/** Routes whose answer is a list that comes a page at a time. */
export type ListRoute = {
  [R in RouteName]: HttpRoutes[R] extends { query: unknown; answer: unknown[] } ? R : never;
}[RouteName];
/** What such a list has in it. */
export type ItemOf<R extends ListRoute> = RouteAnswer<R> extends (infer T)[] ? T : never;

/**
 * Calls a route of the HTTP API (docs/protocol.md, section 11), named by its method and path: JSON in and
 * out, refusals thrown as a {@linkcode ClientError}.
 */
export interface Api {
  <R extends RouteName>(route: R, ...options: RouteArguments<R>): Promise<RouteAnswer<R>>;
  /** The part of a list that begins at the cursor; without one, its beginning. */
  page<R extends ListRoute>(route: R, ...options: RouteArguments<R>): Promise<Page<ItemOf<R>>>;
  /** The pages of a list, one after another. */
  pages<R extends ListRoute>(
    route: R,
    ...options: RouteArguments<R>
  ): AsyncGenerator<ItemOf<R>[], void, void>;
  /** Signs in; the answer's `token` is what everything else wants. */
  signIn(
    credentials: { email: string; password: string },
    options?: { signal?: AbortSignal },
  ): Promise<SignedIn>;
  /** Makes an account; the first of a server is its admin. */
  signUp(
    account: { name: string; email: string; password: string },
    options?: { signal?: AbortSignal },
  ): Promise<SignedIn>;
}

/**
 * Makes an {@linkcode Api}.
 *
 * @example
 * ```ts
 * import { createApi } from "webui-realtime-client/api";
 *
 * const url = "http://localhost:8080";
 * const { token } = await createApi({ url }).signIn({ email: "ada@example.org", password: "…" });
 * const api = createApi({ url, token });
 * const { data: models } = await api("GET /api/models");
 * const chat = await api("GET /api/v1/chats/{id}", { params: { id: "a-chat" } });
 * console.log(models.length, chat.title);
 * ```
 */
export function createApi(options: ApiOptions = {}): Api {
  const call = <R extends RouteName>(route: R, given: RouteOptions<R> | undefined) =>
    request(options, route, given as AnyOptions | undefined);
  const api = async <R extends RouteName>(route: R, ...[given]: RouteArguments<R>) =>
    (await call(route, given)).answer as RouteAnswer<R>;
  const page = async <R extends ListRoute>(route: R, ...[given]: RouteArguments<R>) => {
    const { answer, headers } = await call(route, given);
    return { items: answer as ItemOf<R>[], cursor: headers.get("x-next-cursor") ?? undefined };
  };
  async function* pages<R extends ListRoute>(route: R, ...[given]: RouteArguments<R>) {
    let query = (given as AnyOptions | undefined)?.query;
    do {
      const next = { ...given, query } as unknown as RouteOptions<R>;
      const { items, cursor } = await page(route, ...[next] as RouteArguments<R>);
      yield items;
      query = { ...query, cursor };
    } while (query["cursor"] !== undefined);
  }
  return Object.assign(api, {
    page,
    pages,
    signIn: (body: Body<"POST /api/v1/auths/signin">, rest?: { signal?: AbortSignal }) =>
      api("POST /api/v1/auths/signin", { body, ...rest }),
    signUp: (body: Body<"POST /api/v1/auths/signup">, rest?: { signal?: AbortSignal }) =>
      api("POST /api/v1/auths/signup", { body, ...rest }),
  });
}

type Body<R extends RouteName> = HttpRoutes[R] extends { body: infer B } ? B : never;

interface AnyOptions {
  params?: Record<string, string>;
  query?: Record<string, unknown>;
  body?: unknown;
  signal?: AbortSignal;
  timeoutMs?: number;
}
interface Answer {
  answer: unknown;
  headers: Headers;
}

async function request(
  options: ApiOptions,
  route: string,
  given: AnyOptions = {},
): Promise<Answer> {
  const { token, renew, onSignedOut } = options;
  const bearer = typeof token === "function" ? await token() : token;
  try {
    return await send(options, route, given, bearer);
  } catch (thrown) {
    const isOurs = thrown instanceof ClientError && thrown.status === 401 && bearer !== undefined;
    if (!isOurs) throw thrown;
    const other = await renew?.(bearer);
    if (other !== undefined) return await send(options, route, given, other);
    // Somebody may have signed in meanwhile.
    if (bearer === (typeof token === "function" ? await token() : token)) onSignedOut?.();
    throw thrown;
  }
}

async function send(
  { url = "", timeoutMs: usualMs = 30_000 }: ApiOptions,
  route: string,
  { params, query, body, signal, timeoutMs = usualMs }: AnyOptions,
  bearer: string | undefined,
): Promise<Answer> {
  const [method = "GET", path = ""] = route.split(" ");
  const late = AbortSignal.timeout(timeoutMs);
  const ended = signal ? AbortSignal.any([signal, late]) : late;
  const send = () =>
    fetch(url + filled(path, params) + queryOf(query), {
      method,
      headers: {
        ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
        ...(body !== undefined && { "content-type": "application/json" }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: ended,
    });
  try {
    let response = await send();
    for (let tries = 0; tries < MAX_RETRIES; tries++) {
      const waitMs = retryAfterMs(response);
      if (waitMs === undefined) break;
      await response.body?.cancel();
      await waited(waitMs, ended);
      response = await send();
    }
    return { answer: read(response, await response.text()), headers: response.headers };
  } catch (thrown) {
    if (thrown instanceof ClientError) throw thrown;
    if (signal?.aborted) throw signal.reason;
    if (late.aborted) {
      throw new ClientError("timeout", `There was no answer in ${timeoutMs} ms.`, {
        cause: thrown,
      });
    }
    throw new ClientError("offline", "The server can't be reached.", { cause: thrown });
  }
}

/** As often is a request sent again that was refused for the moment. */
const MAX_RETRIES = 4;
/** A longer wait is told instead of waited for. */
const MAX_RETRY_AFTER_MS = 5_000;

/**
 * How long to wait before the request is sent again; `undefined`: it is not. A 503 that names a time
 * has done nothing: the server is about to stop, and the next one takes it.
 */
function retryAfterMs({ status, headers }: Response): number | undefined {
  if (status !== 503) return undefined;
  const waitMs = waitOf(headers.get("retry-after"));
  return waitMs !== undefined && waitMs <= MAX_RETRY_AFTER_MS ? waitMs : undefined;
}

/** @throws {ClientError} `invalid_payload` for a parameter that is missing */
function filled(path: string, params: Record<string, string> = {}): string {
  return path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = params[name];
    // A part of dots would lead to another address (WHATWG URL, 4.4).
    if (value === undefined || /^\.{0,2}$/.test(value)) {
      throw new ClientError("invalid_payload", `params.${name}: is missing, or no id`);
    }
    return encodeURIComponent(value);
  });
}

function queryOf(query: Record<string, unknown> = {}): string {
  const said = Object.entries(query).filter(([, value]) => value !== undefined);
  const text = new URLSearchParams(said.map(([name, value]) => [name, `${value}`])).toString();
  return text && `?${text}`;
}

/** The type of a refusal of the server's own (RFC 9457). */
const PROBLEM = "application/problem+json";
/**
 * What a status without a code of the server's means, since proxies answer, too. Of the others, those
 * below 500 are the request's fault, and the rest are the way's.
 */
const CODES: Record<number, ErrorCode> = {
  401: "unauthenticated",
  403: "forbidden",
  404: "not_found",
  405: "method_not_allowed",
  408: "request_timeout",
  409: "conflict",
  413: "too_large",
  429: "rate_limited",
  500: "internal",
  504: "timeout",
};

function read({ ok, status, headers }: Response, text: string): unknown {
  const body = parsed(text);
  if (ok) {
    if (body !== undefined || text === "") return body;
    throw new ClientError("invalid_answer", "What answered is not this server.", { status });
  }
  const { code, detail } = Object(body) as { code?: unknown; detail?: unknown };
  // Whoever else answers in JSON has codes of another kind.
  const isOurs = headers.get("content-type") === PROBLEM && typeof code === "string";
  throw new ClientError(
    isOurs
      ? code as ErrorCode
      : CODES[status] ?? (status < 500 ? "invalid_payload" : "unavailable"),
    typeof detail === "string" ? detail : `The server answered ${status}.`,
    { status, retryAfterMs: waitOf(headers.get("retry-after")) },
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** `Retry-After` in seconds, or as a date (RFC 9110, 10.2.3). */
function waitOf(header: string | null): number | undefined {
  if (header === null || header === "") return undefined;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}
