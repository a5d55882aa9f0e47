import type { ErrorCode } from "../protocol/error_codes.ts";
import { ClientError } from "./errors.ts";

export interface ApiOptions {
  /** `https://host[:port][/base]`. Default: the root of where the page comes from. */
  url?: string;
  /** The token of now; `undefined`: signed out. */
  token: () => string | undefined;
  /** A request was refused as not signed in. */
  onSignedOut?: () => void;
  /** How long a request may take, in milliseconds. Default: 30,000. */
  timeoutMs?: number;
}

/** A part of a list, and where it goes on. */
export interface Page<T> {
  items: T[];
  /** `undefined`: this is the end. */
  cursor: string | undefined;
}

/** Calls the HTTP API (docs/protocol.md, section 11): JSON in and out, refusals thrown with their code. */
export interface Api {
  <T>(method: string, path: string, body?: unknown): Promise<T>;
  /** The part of a list that begins at the cursor; without one, its beginning. */
  page<T>(path: string, cursor?: string): Promise<Page<T>>;
}

export function createApi(options: ApiOptions): Api {
  const api = async <T>(method: string, path: string, body?: unknown): Promise<T> =>
    (await request<T>(options, method, path, body)).answer;
  const page = async <T>(path: string, cursor?: string): Promise<Page<T>> => {
    const at = cursor === undefined ? "" : `?${new URLSearchParams({ cursor })}`;
    const { answer, headers } = await request<T[]>(options, "GET", path + at);
    return { items: answer, cursor: headers.get("x-next-cursor") ?? undefined };
  };
  return Object.assign(api, { page });
}

/** As often is a request sent again that was refused for the moment. */
const MAX_RETRIES = 4;
/** A longer wait is told instead of waited for. */
const MAX_RETRY_AFTER_MS = 5_000;

async function request<T>(
  { url = "", token, onSignedOut, timeoutMs = 30_000 }: ApiOptions,
  method: string,
  path: string,
  body?: unknown,
): Promise<{ answer: T; headers: Headers }> {
  const bearer = token();
  const signal = AbortSignal.timeout(timeoutMs);
  const send = () =>
    fetch(url + path, {
      method,
      headers: {
        ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
        ...(body !== undefined && { "content-type": "application/json" }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal,
    }).catch((cause) => {
      throw new ClientError("offline", "The server can't be reached.", { cause });
    });
  let response = await send();
  for (let tries = 0; tries < MAX_RETRIES; tries++) {
    const waitMs = retryAfterMs(response);
    if (waitMs === undefined) break;
    await response.body?.cancel();
    await new Promise((resolve) => setTimeout(resolve, waitMs));
    response = await send();
  }
  const answer: unknown = await response.json().catch(() => undefined);
  if (response.ok) return { answer: answer as T, headers: response.headers };
  if (response.status === 401 && bearer !== undefined && bearer === token()) onSignedOut?.();
  const { code = "internal", detail } = (answer ?? {}) as { code?: ErrorCode; detail?: string };
  throw new ClientError(code, detail ?? `The server answered ${response.status}.`);
}

/**
 * How long to wait before the request is sent again; `undefined`: it is not. A 503 that names a time
 * has done nothing: the server is about to stop, and the next one takes it.
 */
function retryAfterMs({ status, headers }: Response): number | undefined {
  const seconds = headers.get("retry-after");
  if (status !== 503 || seconds === null || !/^\d{1,4}$/.test(seconds)) return undefined;
  const waitMs = Number(seconds) * 1_000;
  return waitMs <= MAX_RETRY_AFTER_MS ? waitMs : undefined;
}
