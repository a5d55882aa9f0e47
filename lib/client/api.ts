import type { ErrorCode } from "../protocol/error_codes.ts";
import { ClientError } from "./errors.ts";

export interface ApiOptions {
  /** Default: where the page comes from. */
  url?: string;
  /** The token of now; `undefined`: signed out. */
  token: () => string | undefined;
  /** A request was refused as not signed in. */
  onSignedOut?: () => void;
  /** How long a request may take, in milliseconds. Default: 30,000. */
  timeoutMs?: number;
}

/** Calls the HTTP API (protocol, section 11): JSON in and out, refusals thrown with their code. */
export type Api = <T>(method: string, path: string, body?: unknown) => Promise<T>;

export function createApi({ url = "", token, onSignedOut, timeoutMs = 30_000 }: ApiOptions): Api {
  return async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const bearer = token();
    const response = await fetch(url + path, {
      method,
      headers: {
        ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
        ...(body !== undefined && { "content-type": "application/json" }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(timeoutMs),
    }).catch((cause) => {
      throw new ClientError("offline", "The server can't be reached.", { cause });
    });
    const answer: unknown = await response.json().catch(() => undefined);
    if (response.ok) return answer as T;
    if (response.status === 401 && bearer !== undefined && bearer === token()) onSignedOut?.();
    const { code = "internal", detail } = (answer ?? {}) as { code?: ErrorCode; detail?: string };
    throw new ClientError(code, detail ?? `The server answered ${response.status}.`);
  };
}
