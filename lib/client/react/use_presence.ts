import { useEffect, useMemo } from "react";
import { OnlinePeople } from "../online_people.ts";
import type { Readable } from "../store.ts";
import { type LookedAt, Viewers, type ViewersSnapshot } from "../viewers.ts";
import { useRealtime } from "./context.ts";
import { useOwned } from "./use_owned.ts";
import { useStore } from "./use_store.ts";

const NOBODY: Readable<ViewersSnapshot> = {
  snapshot: { users: [], total: 0 },
  subscribe: () => () => {},
};

/**
 * Who looks at a chat or a channel just now, oneself included, who does as long as the component is
 * there. `undefined`: at none.
 */
export function useViewers(place: LookedAt | undefined): ViewersSnapshot {
  const { connection } = useRealtime();
  const chatId = place && "chatId" in place ? place.chatId : undefined;
  const channelId = place && "channelId" in place ? place.channelId : undefined;
  const viewers = useOwned(() => {
    if (chatId !== undefined) return new Viewers(connection, { chatId });
    return channelId === undefined ? undefined : new Viewers(connection, { channelId });
  }, [connection, chatId, channelId]);
  return useStore<ViewersSnapshot>(viewers ?? NOBODY);
}

/** Who of these people is online, by their ids; 256 are watched at once on one connection. */
export function useOnline(userIds: readonly string[]): ReadonlySet<string> {
  const { connection } = useRealtime();
  const people = useMemo(() => OnlinePeople.of(connection), [connection]);
  const key = userIds.join();
  useEffect(() => key === "" ? undefined : people.watch(key.split(",")), [people, key]);
  return useStore(people);
}
