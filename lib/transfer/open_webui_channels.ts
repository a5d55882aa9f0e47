import * as v from "valibot";
import { directChannelId } from "../channels/direct_channel_id.ts";
import { FlagColumn } from "../openwebui/columns.ts";
import type { Line } from "./lines.ts";
import {
  details,
  id,
  nullableText,
  type Reader,
  seconds,
  text,
  timeMs,
} from "./open_webui_reader.ts";

const ChannelRow = v.object({
  ...{ id, user_id: id, type: nullableText, name: text, description: nullableText },
  ...{ is_private: v.nullable(FlagColumn), data: details, meta: details, created_at: seconds },
  updated_at: timeMs,
});
const MemberRow = v.object({
  ...{ id, user_id: id, role: nullableText, invited_by: nullableText, joined_at: seconds },
  last_read_at: timeMs,
});
const MessageRow = v.object({
  ...{ id, user_id: id, parent_id: nullableText, reply_to_id: nullableText, content: text },
  ...{ data: details, meta: details, created_at: timeMs, updated_at: seconds },
  ...{ is_pinned: FlagColumn, pinned_at: timeMs, pinned_by: nullableText },
});
const ReactionRow = v.object({ message_id: id, user_id: id, name: v.string() });
/** The channels that are not deleted, with all that is in them. */
export async function* channels(reader: Reader): AsyncGenerator<Line> {
  const names = ["id", "user_id", "type", "name", "description", "is_private", "data", "meta"];
  const columns = await reader.columns("channel", [...names, "created_at", "updated_at"]);
  const statement = `SELECT ${columns} FROM channel
    WHERE id > $1 AND deleted_at IS NULL ORDER BY id`;
  for await (const { updated_at, type: kind, ...row } of reader.rows(ChannelRow, statement)) {
    const type: "group" | "dm" | null = kind === "group" || kind === "dm" ? kind : null;
    if (type === null && kind) {
      reader.leave(`channels of the type ${kind}`);
      continue;
    }
    const members = await Array.fromAsync(channelMembers(reader, row.id));
    // Here the same people have one direct channel, whose id says so.
    const channelId = type === "dm"
      ? await directChannelId([...new Set([row.user_id, ...members.map((one) => one.user_id)])])
      : row.id;
    const access_grants = type === null ? await reader.grantsOf("channel", row.id) : [];
    const channel = {
      ...{ ...row, id: channelId, type, access_grants },
      is_private: row.is_private ?? type !== null,
      updated_at: Math.floor(updated_at / 1_000),
    };
    yield { type: "channel", record: { channel, listed_at: updated_at } };
    for (const { id: _, user_id, role, invited_by, joined_at, last_read_at } of members) {
      const membership = {
        channel_id: channelId,
        user_id,
        invited_by: invited_by ?? "",
        joined_at,
      };
      if (type !== null) {
        const isManager = role === "manager" || role === "owner" || role === "admin";
        const record = { ...membership, role: isManager ? "manager" as const : "member" as const };
        yield { type: "channel_member", record };
      }
      if (last_read_at === 0) continue;
      const mark = { at: Math.floor(last_read_at / 1_000), position: last_read_at };
      yield { type: "channel_read", record: { channel_id: channelId, user_id, ...mark } };
    }
    yield* channelMessages(reader, row.id, channelId);
  }
}

async function* channelMembers(reader: Reader, channelId: string) {
  const names = ["id", "user_id", "role", "invited_by", "joined_at", "last_read_at"];
  const columns = await reader.columns("channel_member", names);
  yield* reader.rows(
    MemberRow,
    `SELECT ${columns} FROM channel_member WHERE id > $1 AND channel_id = $2
       AND user_id IS NOT NULL AND (is_active IS NULL OR is_active) ORDER BY id`,
    channelId,
  );
}

async function* channelMessages(
  reader: Reader,
  from: string,
  channel_id: string,
): AsyncGenerator<Line> {
  const names = ["id", "user_id", "parent_id", "reply_to_id", "content", "data", "meta"];
  const more = ["is_pinned", "pinned_at", "pinned_by", "created_at", "updated_at"];
  const columns = await reader.columns("message", [...names, ...more]);
  const statement = `SELECT ${columns} FROM message WHERE id > $1 AND channel_id = $2 ORDER BY id`;
  const threads = new Set(
    (await reader.database.query(
      "SELECT DISTINCT parent_id FROM message WHERE channel_id = $1 AND parent_id IS NOT NULL",
      [from],
    )).map((row) => row["parent_id"]),
  );
  for await (const { created_at, pinned_at, ...row } of reader.rows(MessageRow, statement, from)) {
    yield {
      type: "channel_message",
      record: {
        ...{ ...row, channel_id, position: created_at, created_at: Math.floor(created_at / 1_000) },
        pinned_at: row.is_pinned ? Math.floor(pinned_at / 1_000) : null,
        reactions: await reactionsOf(reader, row.id),
        ...(threads.has(row.id) && { has_replies: true }),
      },
    };
    if (!row.is_pinned) continue;
    yield { type: "channel_pin", record: { channel_id, message_id: row.id, position: pinned_at } };
  }
}

async function reactionsOf(reader: Reader, messageId: string): Promise<Record<string, string[]>> {
  const rows = await reader.database.query(
    "SELECT message_id, user_id, name FROM message_reaction WHERE message_id = $1 ORDER BY created_at",
    [messageId],
  );
  const found = rows.flatMap((row) => reader.read(ReactionRow, row) ?? []);
  const byName = Map.groupBy(found, ({ name }) => name);
  return Object.fromEntries(
    [...byName].map(([name, all]) => [name, all.map((one) => one.user_id)]),
  );
}
