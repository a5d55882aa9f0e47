/**
 * What a refused event or request may be answered with.
 *
 * The first eight are the wire's own (docs/protocol.md, section 4); the others appear only in HTTP answers
 * and in the chat, where a request can fail in more ways than an event can be refused.
 */
export const ERROR_CODES = [
  "invalid_payload",
  "unauthenticated",
  "token_expired",
  "forbidden",
  "not_found",
  "rate_limited",
  "too_large",
  "unavailable",
  "conflict",
  "timeout",
  "request_timeout",
  "method_not_allowed",
  "provider_error",
  "stream_broken",
  "empty_answer",
  "internal",
] as const;

/** What a refusal is called; what each means stands in docs/protocol.md, section 11. */
export type ErrorCode = typeof ERROR_CODES[number];

/** A refusal as a client sees it, in an ack. */
export interface Refusal {
  /** Tells a refusal from an answer. */
  status: false;
  /** Why: for a program, and for a person. */
  error: { code: ErrorCode; message: string };
}
