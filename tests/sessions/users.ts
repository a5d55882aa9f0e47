import type { SessionUser } from "../../lib/protocol/user.ts";

export const user = (id: string): SessionUser => ({
  id,
  email: `${id}@example.org`,
  name: id,
  role: "user",
  last_active_at: 0,
  created_at: 0,
  updated_at: 0,
  last_seen_at: Math.floor(Date.now() / 1000),
});
