/** What a user may do: who is `pending` waits for an admin. */
export type Role = "pending" | "user" | "admin";

/** A user as the store keeps it, without the secret parts. Times are unix seconds. */
export interface User {
  /** The user's id. */
  id: string;
  /** The address that one signs in with. */
  email: string;
  /** The name that others see. */
  name: string;
  /** What the user may do. */
  role: Role;
  /** The user's picture: an address, or a data URL. */
  profile_image_url: string;
  /** The picture behind it. */
  profile_banner_image_url?: string;
  /** What the user says of themselves. */
  bio?: string;
  /** As the user says it. */
  gender?: string;
  /** As the user says it, `YYYY-MM-DD`. */
  date_of_birth?: string;
  /** When the user was last there, in unix seconds. */
  last_active_at: number;
  /** When the account was made, in unix seconds. */
  created_at: number;
  /** When it was last changed, in unix seconds. */
  updated_at: number;
}

/** What a session keeps of its user (docs/protocol.md, section 2). */
export type SessionUser =
  & Pick<User, "id" | "name" | "email" | "role">
  & Partial<Pick<User, "last_active_at" | "created_at" | "updated_at">>
  & { last_seen_at: number };

/** What admins are told of people, and each of themselves. */
export interface UserEvent {
  /** What has happened. */
  type: "created" | "updated" | "deleted";
  /** Without the picture where that is long: lists have it. */
  user: User;
}

/** Somebody who looks at a chat or a channel just now. */
export interface Viewer {
  /** The user's id. */
  id: string;
  /** The name that others see. */
  name: string;
  /** With how many sessions: tabs and devices. An Open WebUI does not say. */
  sessions?: number;
}

/** What others are told about a user. */
export interface PublicUser {
  /** The user's id. */
  id: string;
  /** The name that others see. */
  name: string;
  /** What the user may do. */
  role: Role;
}
