import { AppError } from "../common/errors.ts";
import { principalsOf } from "../sharing/grants.ts";
import { keys } from "../state/key_space.ts";
import type { Key, StateStore } from "../state/state_store.ts";
import type { Line, LineType } from "./lines.ts";

type RecordOf<T extends LineType> = Extract<Line, { type: T }>["record"];

/**
 * Puts records into a store, each with the indexes by which it is found. What is there already stays
 * as it is, so that an import that was cut short, or is done twice, does no harm. As everywhere, an
 * index is written before its record.
 */
export class Importer {
  readonly #store: StateStore;

  constructor(store: StateStore) {
    this.#store = store;
  }

  /**
   * Says whether it was new.
   *
   * @throws {AppError} `conflict` for a user whose address another has here
   */
  put({ type, record }: Line): Promise<boolean> {
    switch (type) {
      case "user":
        return this.#user(record);
      case "group":
        return this.#record(
          keys.group(record.id),
          record,
          () => this.#list(keys.groups, record.id, record.created_at),
        );
      case "group_member":
        return this.#groupMember(record);
      case "chat":
        return this.#record(
          keys.chat(record.id),
          record,
          async () => {
            const { id, user_id, updated_at, pinned } = record;
            await this.#list(keys.userChats(user_id), id, updated_at);
            if (pinned) await this.#list(keys.userPins(user_id), id, updated_at);
          },
        );
      case "chat_message":
        return this.#entry(keys.chatMessages(record.chat_id), record.message.id, record.message);
      case "note":
        return this.#note(record);
      case "channel":
        return this.#channel(record);
      case "channel_member":
        return this.#channelMember(record);
      case "channel_message":
        return this.#channelMessage(record);
      case "channel_pin":
        return this.#pin(record);
      case "channel_read": {
        const { channel_id, user_id, ...mark } = record;
        return this.#entry(keys.channelReads(channel_id), user_id, mark);
      }
      case "header":
      case "end":
        return Promise.resolve(false);
    }
  }

  async #user(user: RecordOf<"user">): Promise<boolean> {
    const { id, email } = user;
    const claim = keys.userByEmail(email);
    const claimed = await this.#store.values.get(claim);
    const other = claimed && claimed.id !== id
      ? await this.#store.values.get(keys.user(claimed.id))
      : undefined;
    if (other?.email === email) {
      throw new AppError(
        "conflict",
        `the user ${email} is here already under another id: import into an empty store, or delete ` +
          "that account first",
      );
    }
    return await this.#record(keys.user(id), user, async () => {
      const mine = { id, claimed_at_ms: 0 };
      await this.#store.values.update(claim, () => mine);
      await this.#list(keys.users, id, user.created_at);
      if (user.role !== "admin") return;
      await this.#list(keys.admins, id, 0);
      await this.#store.values.setIfAbsent(keys.firstUser, mine);
    });
  }

  async #groupMember({ group_id, user_id, joined_at }: RecordOf<"group_member">): Promise<boolean> {
    const members = this.#store.sortedIndex(keys.groupMembers(group_id));
    if (await members.score(user_id) !== undefined) return false;
    await this.#list(keys.userGroups(user_id), group_id, joined_at);
    await members.put({ member: user_id, score: joined_at });
    return true;
  }

  #note({ note, data, listed_at }: RecordOf<"note">): Promise<boolean> {
    return this.#record(keys.note(note.id), note, async () => {
      for (const { principal_type, principal_id } of readersOf(note)) {
        await this.#list(keys.notesOf(principal_type, principal_id), note.id, listed_at);
      }
      if (data) await this.#store.values.setIfAbsent(keys.noteData(note.id), data);
    });
  }

  #channel({ channel, listed_at }: RecordOf<"channel">): Promise<boolean> {
    return this.#record(keys.channel(channel.id), channel, async () => {
      // Those of the other types are listed by their members.
      if (channel.type !== null) return;
      for (const { principal_type, principal_id } of readersOf(channel)) {
        await this.#list(keys.channelsOf(principal_type, principal_id), channel.id, listed_at);
      }
    });
  }

  #channelMember(member: RecordOf<"channel_member">): Promise<boolean> {
    const { channel_id, user_id, joined_at } = member;
    return this.#entry(keys.channelMembers(channel_id), user_id, member, async () => {
      await this.#list(keys.channelMemberOrder(channel_id), user_id, joined_at);
      await this.#list(keys.channelsOf("member", user_id), channel_id, joined_at * 1_000);
    });
  }

  #channelMessage(message: RecordOf<"channel_message">): Promise<boolean> {
    const { channel_id, parent_id, id, position } = message;
    const order = parent_id === null
      ? keys.channelOrder(channel_id)
      : keys.channelThread(channel_id, parent_id);
    return this.#entry(
      keys.channelMessages(channel_id),
      id,
      message,
      () => this.#list(order, id, position),
    );
  }

  async #pin({ channel_id, message_id, position }: RecordOf<"channel_pin">): Promise<boolean> {
    const pins = this.#store.sortedIndex(keys.channelPins(channel_id));
    if (await pins.score(message_id) !== undefined) return false;
    await pins.put({ member: message_id, score: position });
    return true;
  }

  async #record<T>(key: Key<T>, record: NoInfer<T>, before: () => Promise<void>): Promise<boolean> {
    if (await this.#store.values.get(key) !== undefined) return false;
    await before();
    return await this.#store.values.setIfAbsent(key, record);
  }

  async #entry<T>(
    key: Key<T>,
    field: string,
    value: NoInfer<T>,
    before: () => Promise<void> = () => Promise.resolve(),
  ): Promise<boolean> {
    const entries = this.#store.dictionary(key);
    if (await entries.get(field) !== undefined) return false;
    await before();
    let isNew = false;
    await entries.update(field, (now) => {
      isNew = now === undefined;
      return now ?? value;
    });
    return isNew;
  }

  async #list(key: readonly string[], member: string, score: number): Promise<void> {
    await this.#store.sortedIndex(key).put({ member, score });
  }
}

function readersOf(
  { user_id, access_grants }: {
    user_id: string;
    access_grants: RecordOf<"note">["note"]["access_grants"];
  },
) {
  return principalsOf([{ principal_type: "user", principal_id: user_id }, ...access_grants]);
}
