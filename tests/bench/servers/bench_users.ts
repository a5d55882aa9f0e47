import type { App } from "../../../lib/app.ts";
import { keys } from "../../../lib/state/key_space.ts";
import type { UserRecord } from "../../../lib/state/records.ts";
import { USER_COUNT, userId } from "../load/users.ts";

function recordOf(index: number): UserRecord {
  const id = userId(index);
  return {
    id,
    email: `${id}@example.org`,
    name: `User ${index}`,
    role: "user",
    profile_image_url: "/user.png",
    last_active_at: 0,
    created_at: 0,
    updated_at: 0,
    password_hash: "",
  };
}

/** Straight into the store: a thousand password hashes would say nothing here. */
export async function addUsers({ services }: Pick<App, "services">): Promise<void> {
  const { values } = services.store;
  await Promise.all(Array.from({ length: USER_COUNT }, async (_, index) => {
    await values.set(keys.user(userId(index)), recordOf(index));
  }));
}
