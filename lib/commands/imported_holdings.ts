import { holdingsOf as ofPost } from "../channels/post_holdings.ts";
import { holdingsOf as ofChat } from "../chats/chat_record.ts";
import { AppError } from "../common/errors.ts";
import { holdingsOf as ofNote } from "../notes/note_record.ts";
import type { Change, Holding, UserQuotas } from "../quotas/user_quotas.ts";
import type { Line } from "../transfer/lines.ts";

/** What a line adds to what which user has. */
function changeOf({ type, record }: Line): [userId: string, change: Change] | undefined {
  switch (type) {
    case "chat":
      return [record.user_id, ofChat(record)];
    case "note":
      return [record.note.user_id, ofNote(record.note)];
    case "channel":
      return [record.channel.user_id, { channels: 1 }];
    case "channel_message":
      return [record.user_id, ofPost(record)];
  }
}

function sumByUser(lines: readonly Line[]): Map<string, Change> {
  const sums = new Map<string, Change>();
  for (const line of lines) {
    const [userId, change] = changeOf(line) ?? [];
    if (userId === undefined || change === undefined) continue;
    const sum = sums.get(userId) ?? {};
    for (const [name, number] of Object.entries(change)) {
      sum[name as Holding] = (sum[name as Holding] ?? 0) + number;
    }
    sums.set(userId, sum);
  }
  return sums;
}

/**
 * Counts what an import brings to what each user has, as if they had written it themselves.
 *
 * @param isLimited whether somebody who gets more than one may have ends the import
 */
export function holdingsCounter(
  { quotas, isLimited }: { quotas: UserQuotas; isLimited: boolean },
): (added: readonly Line[]) => Promise<void> {
  return async (added) => {
    for (const [userId, change] of sumByUser(added)) {
      await quotas.count(userId, change);
      const limit = isLimited ? await quotas.excess(userId) : undefined;
      if (limit === undefined) continue;
      throw new AppError(
        "too_large",
        `the user ${userId} gets more than ${limit} lets one have. Set it higher, or import with ` +
          "--beyond-quotas; what has been imported stays, and the import goes on from there.",
      );
    }
  };
}
