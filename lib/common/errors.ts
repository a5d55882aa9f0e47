import type { ErrorCode } from "../protocol/error_codes.ts";

export type { ErrorCode };

/** The options of an {@linkcode AppError}. */
export interface AppErrorOptions {
  /** What went wrong below; kept for the log, never sent to a client. */
  cause?: unknown;
  /** How long a client should wait before it tries again, in milliseconds. */
  retryAfterMs?: number;
}

/**
 * The one error that crosses the edge: a code that clients rely on, and a message that is safe to show.
 *
 * Anything else that is thrown reaches a client as `internal`, with its text only in the log.
 */
export class AppError extends Error {
  override readonly name = "AppError";
  readonly code: ErrorCode;
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** Any thrown value as an `AppError`: those of our own pass, everything else becomes `internal`. */
export function toAppError(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown;
  return new AppError("internal", "Something went wrong on the server.", { cause: thrown });
}

/** The text of any thrown value, for a log line. */
export function errorText(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const cause = thrown.cause === undefined ? "" : `: ${errorText(thrown.cause)}`;
  return thrown.message + cause;
}

/** Whether the value was thrown because a signal was aborted. */
export function isAbort(thrown: unknown): boolean {
  return thrown instanceof DOMException && thrown.name === "AbortError";
}
