import { type Clock, systemClock, unixSeconds } from "../common/clock.ts";
import { AppError } from "../common/errors.ts";
import { mergedPage, type PageSource } from "../common/merged_pages.ts";
import { requireOwnGrants } from "../sharing/own_groups.ts";
import { SharedIndex } from "../sharing/shared_index.ts";
import { EVERYONE, type Permission } from "../protocol/access_grants.ts";
import { type GroupMembership, membershipIn, sameGrants } from "../sharing/grants.ts";
import type { Channel, ChannelBody, ChannelPatch } from "../protocol/channel.ts";
import { UserQuotas } from "../quotas/user_quotas.ts";
import { keys } from "../state/key_space.ts";
import type { Dictionary, StateStore } from "../state/state_store.ts";
import { mayEnter, type Visitor } from "./channel_access.ts";
import { ChannelMembers } from "./channel_members.ts";
import { ChannelMessages } from "./channel_messages.ts";
import { directChannelId } from "./direct_channel_id.ts";

export interface ChannelStoreOptions {
  store: StateStore;
  groups: GroupMembership;
  quotas?: UserQuotas;
  clock?: Clock;
}

/** A channel that is being deleted, and since when, in milliseconds. */
export interface Deletion {
  channel: Channel;
  at: number;
}

const PUBLIC = (["read", "write"] as const).map((permission) => ({
  principal_type: "user" as const,
  principal_id: EVERYONE,
  permission,
}));

/**
 * Channels and who may enter them ({@linkcode mayEnter}).
 *
 * Who may not enter is answered `not_found`: a stranger does not learn that it exists.
 */
export class ChannelStore {
  readonly members: ChannelMembers;
  readonly messages: ChannelMessages;
  readonly #store: StateStore;
  readonly #groups: GroupMembership;
  readonly #clock: Clock;
  readonly #index: SharedIndex;

  readonly #quotas: UserQuotas;

  constructor(options: ChannelStoreOptions) {
    const { store, groups, clock = systemClock } = options;
    this.#quotas = options.quotas ?? new UserQuotas(store);
    this.#store = store;
    this.#groups = groups;
    this.#clock = clock;
    this.#index = new SharedIndex(
      ({ principal_type, principal_id }) =>
        store.sortedIndex(keys.channelsOf(principal_type, principal_id)),
      clock,
    );
    this.members = new ChannelMembers(store);
    this.messages = new ChannelMessages(store, clock, this.#quotas);
  }

  /**
   * Makes a channel with the members; a `dm` of the same people is there once only.
   *
   * @throws {AppError} `forbidden` for a channel by grants that no admin asks for
   */
  async create(
    visitor: Visitor,
    body: ChannelBody,
    userIds: readonly string[],
  ): Promise<{ channel: Channel; isNew: boolean }> {
    const type = body.type === "group" || body.type === "dm" ? body.type : null;
    if (type === null && visitor.role !== "admin") {
      throw new AppError("forbidden", "Only an admin may make a channel of this type.");
    }
    const people = [...new Set([visitor.id, ...userIds])];
    if (type === "dm" && people.length < 2) {
      throw new AppError("invalid_payload", "user_ids: must name somebody else");
    }
    if (type !== "dm" && body.name === "") {
      throw new AppError("invalid_payload", "name: must not be empty");
    }
    await this.#quotas.requireRoom(visitor.id, "channels");
    const now = unixSeconds(this.#clock);
    const isPrivate = type === "dm" || body.is_private === true;
    const channel: Channel = {
      id: type === "dm" ? await directChannelId(people) : crypto.randomUUID(),
      user_id: visitor.id,
      type,
      name: body.name,
      description: body.description ?? null,
      is_private: isPrivate,
      data: body.data ?? null,
      meta: body.meta ?? null,
      access_grants: type !== null ? [] : body.access_grants ?? (isPrivate ? [] : PUBLIC),
      created_at: now,
      updated_at: now,
    };
    if (type === null) {
      await this.#index.put(channel);
    } else {
      await this.members.add(channel.id, people, { by: visitor.id, now });
      if (type === "group") {
        await this.members.add(channel.id, [visitor.id], { by: visitor.id, now, role: "manager" });
      }
    }
    if (await this.#store.values.setIfAbsent(keys.channel(channel.id), channel)) {
      await this.#quotas.count(visitor.id, { channels: 1 });
      return { channel, isNew: true };
    }
    return { channel: await this.#record(channel.id), isNew: false };
  }

  /** The channel, whoever may enter it. */
  find(channelId: string): Promise<Channel | undefined> {
    return this.#store.values.get<Channel>(keys.channel(channelId));
  }

  /** The channel, for somebody who may read it. @throws {AppError} `not_found` */
  async enter(visitor: Visitor, channelId: string): Promise<Channel> {
    const channel = await this.#record(channelId);
    if (!(await this.#may(visitor, channel, "read"))) throw noSuchChannel();
    return channel;
  }

  /** @throws {AppError} `not_found`; `forbidden` for who may only read */
  async enterToWrite(visitor: Visitor, channelId: string): Promise<Channel> {
    const channel = await this.#record(channelId);
    if (await this.#may(visitor, channel, "write")) return channel;
    if (!(await this.#may(visitor, channel, "read"))) throw noSuchChannel();
    throw new AppError("forbidden", "You may only read this channel.");
  }

  /** @throws {AppError} `not_found`; `forbidden` for who may not change the channel */
  async enterToManage(visitor: Visitor, channelId: string): Promise<Channel> {
    const channel = await this.enter(visitor, channelId);
    if (await this.isManager(visitor, channel)) return channel;
    throw new AppError("forbidden", "You may not change this channel.");
  }

  async mayRead(visitor: Visitor, channelId: string): Promise<boolean> {
    const channel = await this.find(channelId);
    return channel !== undefined && await this.#may(visitor, channel, "read");
  }

  mayWrite(visitor: Visitor, channel: Channel): Promise<boolean> {
    return this.#may(visitor, channel, "write");
  }

  async isManager(visitor: Visitor, channel: Channel): Promise<boolean> {
    if (channel.type === null) return visitor.role === "admin" || channel.user_id === visitor.id;
    // In a direct channel nobody decides over the other's words.
    if (channel.type === "dm") return false;
    if (channel.user_id === visitor.id) return true;
    return (await this.members.get(channel.id, visitor.id))?.role === "manager";
  }

  /** The channels that the user may enter, the newest first. */
  async page(
    visitor: Visitor,
    { limit, cursor }: { limit: number; cursor?: string },
  ): Promise<{ channels: Channel[]; cursor: string | undefined }> {
    const { id } = visitor;
    const listed = (type: "user" | "group", principalId: string) =>
      this.#store.sortedIndex(keys.channelsOf(type, principalId));
    const joined = new Set<string>();
    let groupIds: string[] = [];
    const page = await mergedPage(
      [this.#joined(id, joined), listed("user", id), listed("user", EVERYONE)],
      {
        limit,
        cursor,
        more: async () => {
          groupIds = await this.#groups.groupsOf(id);
          return groupIds.map((groupId) => listed("group", groupId));
        },
      },
    );
    const ids = page.entries.map(({ member }) => member);
    // All that decides is asked for at once: who signs in waits for this.
    const [records, groups, memberships] = await Promise.all([
      this.#store.values.getMany<Channel>(ids.map(keys.channel)),
      this.#groups.memberOf(id, groupIds).then(membershipIn),
      Promise.all(ids.map(async (one) => joined.has(one) && await this.#isMember(one, id))),
    ]);
    const open = await Promise.all(records.map(async (channel, at) => {
      const belonging = { ...groups, isMember: () => Promise.resolve(memberships[at] === true) };
      return channel && await mayEnter(visitor, channel, "read", belonging) ? [channel] : [];
    }));
    return { channels: open.flat(), cursor: page.cursor };
  }

  /** @throws {AppError} `not_found`, `forbidden` */
  async update(
    visitor: Visitor,
    channelId: string,
    patch: ChannelPatch,
  ): Promise<{ channel: Channel; isAccessChanged: boolean }> {
    const seen = await this.enterToManage(visitor, channelId);
    const grants = seen.type === null ? grantsOf(patch, seen) : undefined;
    if (grants) await requireOwnGrants(visitor, grants, seen.access_grants, this.#groups);
    if (grants) await this.#index.put({ ...seen, access_grants: grants });
    let before = seen;
    const updated_at = unixSeconds(this.#clock);
    const channel = await this.#store.values.update<Channel>(keys.channel(channelId), (now) => {
      if (!now) return undefined;
      before = now;
      return {
        ...now,
        name: patch.name || now.name,
        description: patch.description === undefined ? now.description : patch.description,
        is_private: now.type === "dm" || (patch.is_private ?? now.is_private),
        data: patch.data ? { ...now.data, ...patch.data } : now.data,
        meta: patch.meta ? { ...now.meta, ...patch.meta } : now.meta,
        access_grants: grants ?? now.access_grants,
        updated_at,
      };
    });
    if (!channel) throw noSuchChannel();
    const isAccessChanged = !sameGrants(before.access_grants, channel.access_grants);
    if (isAccessChanged) {
      await this.#index.regrant(before, channel, () => this.find(channelId));
    }
    return { channel, isAccessChanged };
  }

  /**
   * Deletes the channel: from here on nobody may enter. What was said in it is taken away by
   * {@linkcode clear}, and once more by the sweep, for who was in the middle of saying something.
   *
   * @throws {AppError} `not_found`, `forbidden`
   */
  async delete(visitor: Visitor, channelId: string): Promise<Channel> {
    const channel = await this.enterToManage(visitor, channelId);
    await this.#deleted().set(channelId, { channel, at: this.#clock.nowMs() });
    await this.#store.values.delete(keys.channel(channelId));
    await this.#quotas.count(channel.user_id, { channels: -1 });
    return channel;
  }

  /** Takes away all that belonged to a channel that is deleted. */
  async clear(channel: Channel): Promise<void> {
    await this.messages.clear(channel.id);
    if (channel.type !== null) return await this.members.clear(channel.id);
    await this.#index.remove(channel);
  }

  /** The deletions that have not been looked after yet, a page at a time. */
  async *deletions(): AsyncGenerator<Deletion[]> {
    for await (const page of this.#deleted().scan({ pageSize: 200 })) {
      yield page.map(([, deletion]) => deletion);
    }
  }

  /** Completes a deletion wherever it was cut short. */
  async finishDeletion({ channel }: Deletion): Promise<void> {
    await this.#store.values.delete(keys.channel(channel.id));
    await this.clear(channel);
    await this.#deleted().delete(channel.id);
  }

  #deleted(): Dictionary<Deletion> {
    return this.#store.dictionary<Deletion>(keys.deletedChannels);
  }

  async #record(channelId: string): Promise<Channel> {
    const channel = await this.find(channelId);
    if (!channel) throw noSuchChannel();
    return channel;
  }

  #may(visitor: Visitor, channel: Channel, permission: Permission): Promise<boolean> {
    return mayEnter(visitor, channel, permission, {
      isMember: () => this.#isMember(channel.id, visitor.id),
      memberOf: (userId, groupIds) => this.#groups.memberOf(userId, groupIds),
    });
  }

  async #isMember(channelId: string, userId: string): Promise<boolean> {
    return await this.members.get(channelId, userId) !== undefined;
  }

  /** The channels of which the user is a member, or was; noted in `joined` on the way. */
  #joined(userId: string, joined: Set<string>): PageSource {
    const index = this.#store.sortedIndex(keys.channelsOf("member", userId));
    return {
      async page(options) {
        const page = await index.page(options);
        for (const { member } of page.entries) joined.add(member);
        return page;
      },
    };
  }
}

export const noSuchChannel = () => new AppError("not_found", "There is no such channel.");

/** The grants that a patch asks for; making a channel private or public is one way to. */
function grantsOf({ access_grants, is_private }: ChannelPatch, now: Channel) {
  if (access_grants) return access_grants;
  if (typeof is_private !== "boolean" || is_private === now.is_private) return undefined;
  return is_private ? [] : PUBLIC;
}
