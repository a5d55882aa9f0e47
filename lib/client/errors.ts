import type { ErrorCode, Refusal } from "../protocol/error_codes.ts";

/** Beside the wire's own codes: nobody could be reached. */
export type ClientErrorCode = ErrorCode | "offline";

/** What went wrong with a request or an event, with the server's own code and words. */
export class ClientError extends Error {
  override readonly name = "ClientError";

  constructor(readonly code: ClientErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
  }
}

const fieldOf = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;

/** Whether an ack says no (docs/protocol.md, section 4). */
export function isRefusal(answer: unknown): answer is Refusal {
  return fieldOf(answer, "status") === false &&
    typeof fieldOf(fieldOf(answer, "error"), "code") === "string";
}

/** Text for a person, whatever was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error && thrown.message !== "" ? thrown.message : String(thrown);
}
