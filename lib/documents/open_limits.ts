import { AppError } from "../common/errors.ts";
import type { OpenDocument } from "./open_document.ts";

/** How much may be open at once. */
export interface OpenLimits {
  /** Documents that one session may have open. Default: 20, as in Open WebUI. */
  maxOpenDocuments?: number;
  /** What the open documents of one user may take in memory here. Default: 256 MiB. */
  maxOpenWeight?: number;
}

/** @throws {AppError} `rate_limited` for who has too much open, naming the limit */
export function requireOpenRoom(
  { maxOpenDocuments = 20, maxOpenWeight = 256 * 1024 * 1024 }: OpenLimits,
  { session, documents }: {
    /** The documents that the session would have open then. */
    session: ReadonlySet<string>;
    /** Those in memory of which the user is a member. */
    documents: Iterable<OpenDocument>;
  },
): void {
  if (session.size > maxOpenDocuments) {
    throw new AppError(
      "rate_limited",
      `QUOTA_OPEN_DOCUMENTS: at most ${maxOpenDocuments} documents are open in one session.`,
    );
  }
  let weight = 0;
  for (const document of documents) weight += document.weight;
  if (weight <= maxOpenWeight) return;
  throw new AppError(
    "rate_limited",
    `QUOTA_OPEN_DOCUMENT_BYTES: your open documents take more than ${maxOpenWeight} bytes.`,
  );
}
