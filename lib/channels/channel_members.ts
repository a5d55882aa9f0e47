import { AppError } from "../common/errors.ts";
import type { ChannelMember, ChannelRole } from "../protocol/channel.ts";
import { keys } from "../state/key_space.ts";
import type { Dictionary, StateStore } from "../state/state_store.ts";

/** Members of a channel whose readers are its members. */
export const MAX_MEMBERS = 2_000;

/** Who is in a channel of the types `group` and `dm`: the dictionary counts, the indexes are hints. */
export class ChannelMembers {
  readonly #store: StateStore;

  constructor(store: StateStore) {
    this.#store = store;
  }

  get(channelId: string, userId: string): Promise<ChannelMember | undefined> {
    return this.#members(channelId).get(userId);
  }

  getMany(
    channelId: string,
    userIds: readonly string[],
  ): Promise<(ChannelMember | undefined)[]> {
    return this.#members(channelId).getMany(userIds);
  }

  /**
   * Lets users in; those who are in already get the role if one is given. Returns who is new.
   *
   * @throws {AppError} `too_large` when the channel would have too many
   */
  async add(
    channelId: string,
    userIds: readonly string[],
    { by, now, role }: { by: string; now: number; role?: ChannelRole | undefined },
  ): Promise<string[]> {
    const [present, count] = await Promise.all([
      this.getMany(channelId, userIds),
      this.count(channelId),
    ]);
    const absent = userIds.filter((_, at) => present[at] === undefined);
    if (count + absent.length > MAX_MEMBERS) {
      throw new AppError("too_large", `A channel has at most ${MAX_MEMBERS} members.`);
    }
    await this.#index(channelId, absent, now);
    // Only the update knows who is new: somebody may be let out between the look and here.
    const fresh = new Set<string>();
    await Promise.all(
      userIds.map((user_id) =>
        this.#members(channelId).update(user_id, (member) => {
          if (member === undefined) fresh.add(user_id);
          return {
            channel_id: channelId,
            user_id,
            invited_by: by,
            joined_at: now,
            ...member,
            role: role ?? member?.role ?? "member",
          };
        })
      ),
    );
    await this.#index(channelId, [...fresh].filter((id) => !absent.includes(id)), now);
    return [...fresh];
  }

  async #index(channelId: string, userIds: readonly string[], now: number): Promise<void> {
    if (userIds.length === 0) return;
    await Promise.all([
      this.#order(channelId).put(...userIds.map((member) => ({ member, score: now }))),
      ...userIds.map((id) => this.#channelsOf(id).put({ member: channelId, score: now * 1000 })),
    ]);
  }

  /** Returns how many were in. */
  async remove(channelId: string, userIds: readonly string[]): Promise<number> {
    const removed = await this.#members(channelId).delete(...userIds);
    await Promise.all([
      this.#order(channelId).remove(...userIds),
      ...userIds.map((id) => this.#channelsOf(id).remove(channelId)),
    ]);
    return removed;
  }

  async page(
    channelId: string,
    paging: { limit: number; cursor?: string },
  ): Promise<{ members: ChannelMember[]; cursor: string | undefined }> {
    const { entries, cursor } = await this.#order(channelId).page(paging);
    const members = await this.getMany(channelId, entries.map(({ member }) => member));
    return { members: members.filter((member) => member !== undefined), cursor };
  }

  count(channelId: string): Promise<number> {
    return this.#order(channelId).count({ limit: MAX_MEMBERS });
  }

  /** Lets everybody out. The order goes last: a walk that is cut short finds its way again. */
  async clear(channelId: string): Promise<void> {
    const order = this.#order(channelId);
    while (true) {
      const { entries } = await order.page({ limit: 200 });
      if (entries.length === 0) break;
      const userIds = entries.map(({ member }) => member);
      await Promise.all(userIds.map((id) => this.#channelsOf(id).remove(channelId)));
      await this.#members(channelId).delete(...userIds);
      await order.remove(...userIds);
    }
    await this.#members(channelId).clear();
  }

  #members(channelId: string): Dictionary<ChannelMember> {
    return this.#store.dictionary<ChannelMember>(keys.channelMembers(channelId));
  }

  #order(channelId: string) {
    return this.#store.sortedIndex(keys.channelMemberOrder(channelId));
  }

  #channelsOf(userId: string) {
    return this.#store.sortedIndex(keys.channelsOf("member", userId));
  }
}
