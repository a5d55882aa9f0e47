import type { ErrorCode, Refusal } from "../protocol/error_codes.ts";

/**
 * Beside the wire's own codes: `offline`, nobody could be reached; `invalid_answer`, something
 * answered that is not this server, such as a proxy's page of HTML.
 */
export type ClientErrorCode = ErrorCode | "offline" | "invalid_answer";

/** What is known of an error beside its code and its words. */
export interface ClientErrorOptions extends ErrorOptions {
  /** The HTTP status, where an HTTP request has failed. */
  status?: number | undefined;
  /** How long the server asks one to wait before the next attempt, in milliseconds. */
  retryAfterMs?: number | undefined;
  /** The event of the socket that was refused, or not answered. */
  event?: string | undefined;
}

/** Shared by all copies of this library in a program. */
const BRAND: unique symbol = Symbol.for("webui-realtime.ClientError") as never;

/** What went wrong with a request or an event, with the server's own code and words. */
export class ClientError extends Error {
  /** `ClientError`, in every copy of the library. */
  override readonly name: string = "ClientError";
  /** What a program goes by. */
  readonly code: ClientErrorCode;
  /** The HTTP status, where an HTTP request has failed. */
  readonly status: number | undefined;
  /** How long the server asks one to wait before the next attempt, in milliseconds. */
  readonly retryAfterMs: number | undefined;
  /** The event of the socket that was refused, or not answered. */
  readonly event: string | undefined;
  /** What {@linkcode isClientError} looks for. */
  readonly [BRAND] = true;

  /** Made by the library; a program makes one to stand in for it in a test. */
  constructor(code: ClientErrorCode, message: string, options: ClientErrorOptions = {}) {
    super(message, options);
    this.code = code;
    this.status = options.status;
    this.retryAfterMs = options.retryAfterMs;
    this.event = options.event;
  }
}

/**
 * Whether this library has thrown it, with one of the codes where some are named. Unlike
 * `instanceof` it knows the errors of a second copy of the library, too.
 */
export function isClientError(thrown: unknown, ...codes: ClientErrorCode[]): thrown is ClientError {
  return thrown instanceof Error && Reflect.get(thrown, BRAND) === true &&
    (codes.length === 0 || codes.includes((thrown as ClientError).code));
}

/** Whether an ack says no (docs/protocol.md, section 4). */
export function isRefusal(answer: unknown): answer is Refusal {
  const { status, error } = Object(answer) as {
    status?: unknown;
    error?: { code?: unknown } | null;
  };
  return status === false && typeof error?.code === "string";
}

/** Text for a person, whatever was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error && thrown.message || String(thrown);
}
