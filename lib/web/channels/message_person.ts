import type { AppSession } from "../app_session.ts";
import { go } from "../route.ts";

/** Opens the direct channel with somebody; it is made where there is none. */
export async function messagePerson(session: AppSession, userId: string): Promise<void> {
  const params = { user_id: userId };
  const channel = await session.api("GET /api/v1/channels/users/{user_id}", { params });
  session.channels.join();
  await session.channelList.reload();
  go("channel", channel.id);
}
