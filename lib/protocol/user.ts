export const ROLES = ["pending", "user", "admin"] as const;
export type Role = typeof ROLES[number];

/** A user as the store keeps it, without the secret parts. Times are unix seconds. */
export interface User {
  id: string;
  email: string;
  name: string;
  role: Role;
  profile_image_url: string;
  profile_banner_image_url?: string;
  bio?: string;
  gender?: string;
  date_of_birth?: string;
  last_active_at: number;
  created_at: number;
  updated_at: number;
}

/** What a session keeps of its user (docs/protocol.md, section 2). */
export type SessionUser =
  & Pick<User, "id" | "name" | "email" | "role">
  & Partial<Pick<User, "last_active_at" | "created_at" | "updated_at">>
  & { last_seen_at: number };

/** What others are told about a user. */
export interface PublicUser {
  id: string;
  name: string;
  role: Role;
}
