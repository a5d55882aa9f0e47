import * as v from "valibot";
import { AppError } from "./errors.ts";

/** Names of fields may be a client's own, and as long as a payload. */
const MAX_TEXT = 300;

/**
 * What the schema makes of a payload.
 *
 * @throws {AppError} `invalid_payload`, naming the first field at fault
 */
export function checked<S extends v.GenericSchema>(schema: S, payload: unknown): v.InferOutput<S> {
  const result = v.safeParse(schema, payload, { abortEarly: true });
  if (result.success) return result.output;
  const [issue] = result.issues;
  const path = v.getDotPath(issue);
  const text = withoutText(issue);
  throw new AppError("invalid_payload", (path ? `${path}: ${text}` : text).slice(0, MAX_TEXT));
}

/** A text is not said back: it can be megabytes, or a secret in the wrong field. */
function withoutText({ message, received }: v.BaseIssue<unknown>): string {
  const isSaid = received.startsWith('"') && message.endsWith(received);
  return isSaid ? `${message.slice(0, -received.length)}a text` : message;
}
