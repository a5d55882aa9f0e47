/** What a group is made of. */
export interface GroupBody {
  /** What the group is called. */
  name: string;
  /** Who is meant to be in it. */
  description: string;
  /** What its members may, in Open WebUI's shape; kept as it is sent. */
  permissions?: Record<string, unknown> | null | undefined;
  /** Data of clients, kept as it is sent. */
  data?: Record<string, unknown> | null | undefined;
  /** Further data of clients, kept as it is sent. */
  meta?: Record<string, unknown> | null | undefined;
}

/** What is changed in a group. */
export type GroupPatch = Partial<GroupBody>;

/** A group as the API answers it. Times are unix seconds. */
export interface Group {
  /** The group's id. */
  id: string;
  /** Who made it. */
  user_id: string;
  /** What it is called. */
  name: string;
  /** Who is meant to be in it. */
  description: string;
  /** What its members may, as it was sent. */
  permissions: Record<string, unknown> | null;
  /** Data of clients, as it was sent. */
  data: Record<string, unknown> | null;
  /** Further data of clients, as it was sent. */
  meta: Record<string, unknown> | null;
  /** Counted up to 10,000. */
  member_count: number;
  /** When it was made, in unix seconds. */
  created_at: number;
  /** When it was last changed, in unix seconds. */
  updated_at: number;
}
