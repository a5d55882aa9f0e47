import { useEffect, useState } from "preact/hooks";
import type { MemberOfChannel } from "../../protocol/http_routes.ts";
import type { AppSession } from "../app_session.ts";

interface Members {
  /** `undefined`: loading. */
  members: readonly MemberOfChannel[] | undefined;
  total: number | undefined;
  /** Reads the next of them; `undefined`: these are all. */
  more: (() => Promise<void>) | undefined;
}

/** Who is in a channel, a page at a time; read anew when somebody comes or goes. */
export function useMembers({ api, channels }: AppSession, channelId: string): Members {
  const [read, setRead] = useState<{ members: MemberOfChannel[]; total: number; pages: number }>();

  useEffect(() => {
    let isWanted = true;
    const load = async () => {
      const first = await api("GET /api/v1/channels/{id}/members", { params: { id: channelId } });
      if (isWanted) setRead({ members: first.users, total: first.total, pages: 1 });
    };
    const attempt = () => void load().catch(() => isWanted && setRead(undefined));
    attempt();
    const end = channels.onChange((change) => {
      if (change.type === "updated" && change.channelId === channelId) attempt();
    });
    return () => {
      isWanted = false;
      end();
    };
  }, [api, channels, channelId]);

  const more = read && read.members.length < read.total
    ? async () => {
      const page = read.pages + 1;
      const query = { page };
      const next = await api("GET /api/v1/channels/{id}/members", {
        params: { id: channelId },
        query,
      });
      const known = new Set(read.members.map(({ id }) => id));
      const members = [...read.members, ...next.users.filter(({ id }) => !known.has(id))];
      // Those whose accounts are gone are counted, and not shown.
      const total = next.users.length === 0 ? members.length : next.total;
      setRead({ members, total, pages: page });
    }
    : undefined;
  return { members: read?.members, total: read?.total, more };
}
