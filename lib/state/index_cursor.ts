import { Buffer } from "node:buffer";
import { AppError } from "../common/errors.ts";
import type { IndexEntry } from "./state_store.ts";

/** The cursor behind an entry: opaque to whoever holds it. */
export function writeCursor({ score, member }: IndexEntry): string {
  return Buffer.from(JSON.stringify([score, member])).toString("base64url");
}

/** @throws {AppError} `invalid_payload` when it is no cursor. */
export function readCursor(cursor: string): IndexEntry {
  try {
    const [score, member] = JSON.parse(Buffer.from(cursor, "base64url").toString());
    if (Number.isFinite(score) && typeof member === "string") return { score, member };
  } catch {
    // Falls through: whatever it was, it is no cursor.
  }
  throw new AppError("invalid_payload", "cursor: is not one of this list");
}
