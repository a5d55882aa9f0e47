import type { ChannelMessage, StoredMessage } from "../protocol/channel.ts";
import type { PublicUser } from "../protocol/user.ts";
import type { ChannelMessages } from "./channel_messages.ts";

/** What others are told about a user; `undefined` for one who is gone. */
export type FindPublicUser = (userId: string) => Promise<PublicUser | undefined>;

/** Makes of stored messages what a client is shown: with names, replies and what was replied to. */
export class MessageViews {
  readonly #messages: ChannelMessages;
  readonly #findUser: FindPublicUser;

  constructor(messages: ChannelMessages, findUser: FindPublicUser) {
    this.#messages = messages;
    this.#findUser = findUser;
  }

  async one(message: StoredMessage): Promise<ChannelMessage> {
    const [view] = await this.many(message.channel_id, [message]);
    return view as ChannelMessage;
  }

  /** Of messages of one channel. */
  async many(
    channelId: string,
    messages: readonly StoredMessage[],
  ): Promise<ChannelMessage[]> {
    const ids = [...new Set(messages.map(({ reply_to_id }) => reply_to_id))];
    const repliedTo = new Map(
      (await this.#messages.getMany(channelId, ids.filter((id) => id !== null)))
        .map((message) => [message.id, message]),
    );
    return await Promise.all(messages.map(async (message) => {
      const { reply_to_id } = message;
      const original = reply_to_id === null ? undefined : repliedTo.get(reply_to_id);
      return await this.#view(message, original ? await this.#view(original, null) : null);
    }));
  }

  async #view(
    message: StoredMessage,
    reply_to_message: ChannelMessage | null,
  ): Promise<ChannelMessage> {
    const { reactions, has_replies: _, ...shown } = message;
    const [user, replies, shownReactions] = await Promise.all([
      this.#findUser(message.user_id),
      this.#messages.replies(message),
      Promise.all(
        Object.entries(reactions).map(async ([name, userIds]) => ({
          name,
          users: await this.#named(userIds),
          count: userIds.length,
        })),
      ),
    ]);
    return {
      ...shown,
      user: user ?? null,
      reactions: shownReactions,
      ...replies,
      reply_to_message,
    };
  }

  /** Somebody who is gone has no name, but reacted all the same. */
  async #named(userIds: readonly string[]) {
    const users = await Promise.all(userIds.map(this.#findUser));
    return userIds.map((id, at) => ({ id, name: users[at]?.name ?? "" }));
  }
}
