import * as v from "valibot";
import { TextColumn } from "./columns.ts";
import type { Database } from "./database.ts";
import { isGranted, memberships } from "./grants.ts";
import type { Schema } from "./schema.ts";

const RowSchema = v.object({ user_id: TextColumn, channel_id: TextColumn });

/** Stands for everybody in Open WebUI's grants. */
const EVERYBODY = "*";
const OPEN = "c.deleted_at IS NULL AND c.archived_at IS NULL";
/** Channels whose members are named one by one. */
const NAMED = "c.type IN ('group', 'dm')";
const GRANTED = "(c.type IS NULL OR c.type NOT IN ('group', 'dm'))";

/** Open WebUI's channels: whose they are, and what was read of them. */
export class Channels {
  readonly #database: Database;
  readonly #ofUsers: string;
  readonly #mayRead: string;

  constructor(database: Database, schema: Schema) {
    this.#database = database;
    const users = database.dialect.list("$1");
    const members = memberships(schema, users);
    const grants = `FROM channel c JOIN access_grant ag
      ON ag.resource_type = 'channel' AND ag.resource_id = c.id AND ag.permission = 'read'`;
    // Each part follows an index; a channel of everybody's is one row and not one a user.
    this.#ofUsers = `WITH RECURSIVE ${members}
      SELECT cm.user_id, c.id AS channel_id FROM channel c
        JOIN channel_member cm ON cm.channel_id = c.id
        WHERE ${NAMED} AND ${OPEN} AND cm.is_active AND cm.user_id IN ${users}
      UNION SELECT c.user_id, c.id FROM channel c
        WHERE ${GRANTED} AND ${OPEN} AND c.user_id IN ${users}
      UNION SELECT ag.principal_id, c.id ${grants}
        WHERE ${GRANTED} AND ${OPEN} AND ag.principal_type = 'user'
          AND (ag.principal_id = '${EVERYBODY}' OR ag.principal_id IN ${users})
      UNION SELECT m.user_id, c.id ${grants}
        JOIN membership m ON m.group_id = ag.principal_id
        WHERE ${GRANTED} AND ${OPEN} AND ag.principal_type = 'group'`;
    const granted = isGranted({
      type: "channel",
      resource: "c.id",
      permission: "read",
      user: "$2",
    });
    this.#mayRead = `WITH RECURSIVE ${memberships(schema, "($2)")}
      SELECT c.id AS channel_id, $2 AS user_id FROM channel c WHERE c.id = $1 AND ${OPEN} AND (
        (${NAMED} AND EXISTS (SELECT 1 FROM channel_member cm
          WHERE cm.channel_id = c.id AND cm.user_id = $2 AND cm.is_active))
        OR (${GRANTED} AND (c.user_id = $2 OR ${granted})))`;
  }

  /** The ids of each user's channels, in one query however many they are. */
  async ofUsers(userIds: readonly string[]): Promise<Map<string, Set<string>>> {
    const found = new Map(userIds.map((userId) => [userId, new Set<string>()]));
    if (userIds.length === 0) return found;
    const rows = await this.#database.query(this.#ofUsers, [JSON.stringify(userIds)]);
    const pairs = rows.map((row) => v.parse(RowSchema, row));
    for (const { user_id, channel_id } of pairs) {
      if (user_id !== EVERYBODY) found.get(user_id)?.add(channel_id);
      else for (const channels of found.values()) channels.add(channel_id);
    }
    return found;
  }

  async mayRead(userId: string, channelId: string): Promise<boolean> {
    return (await this.#database.query(this.#mayRead, [channelId, userId])).length > 0;
  }

  /** Stores that the member has read all, at a time in nanoseconds: beyond what a number holds. */
  async markRead(userId: string, channelId: string, nanoseconds: bigint): Promise<void> {
    await this.#database.query(
      `UPDATE channel_member SET last_read_at = CAST($3 AS BIGINT), updated_at = CAST($3 AS BIGINT)
       WHERE channel_id = $1 AND user_id = $2`,
      [channelId, userId, String(nanoseconds)],
    );
  }
}
