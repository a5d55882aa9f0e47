import type { User } from "../protocol/user.ts";
import type { UserRecord } from "../state/records.ts";

/** The record without its secret part, with the last sign of life; frozen, because a cache shares it. */
export function toUser({ password_hash: _, ...user }: UserRecord, lastActiveAt = 0): User {
  const last_active_at = Math.max(user.last_active_at, lastActiveAt);
  return Object.freeze({ ...user, last_active_at });
}

/** One address has one spelling: full-width letters are the narrow ones that they look like. */
export function normalisedEmail(email: string): string {
  return email.normalize("NFKC").trim().toLowerCase();
}
