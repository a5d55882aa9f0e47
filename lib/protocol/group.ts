/** What a group is made of. */
export interface GroupBody {
  name: string;
  description: string;
  permissions?: Record<string, unknown> | null | undefined;
  data?: Record<string, unknown> | null | undefined;
  meta?: Record<string, unknown> | null | undefined;
}

/** What is changed in a group. */
export type GroupPatch = Partial<GroupBody>;

/** A group as the API answers it. Times are unix seconds. */
export interface Group {
  id: string;
  user_id: string;
  name: string;
  description: string;
  permissions: Record<string, unknown> | null;
  data: Record<string, unknown> | null;
  meta: Record<string, unknown> | null;
  /** Counted up to 10,000. */
  member_count: number;
  created_at: number;
  updated_at: number;
}
