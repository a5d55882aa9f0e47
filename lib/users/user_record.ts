import type { User } from "../protocol/user.ts";

/** A user as stored. The hash never leaves this folder. */
export interface UserRecord extends User {
  password_hash?: string;
}

/** The record without its secret part; frozen, because a cache shares it. */
export function toUser({ password_hash: _, ...user }: UserRecord): User {
  return Object.freeze(user);
}

/** One address has one spelling. */
export function normalisedEmail(email: string): string {
  return email.trim().normalize("NFC").toLowerCase();
}
