import { type Clock, systemClock, unixSeconds } from "../common/clock.ts";
import { AppError } from "../common/errors.ts";
import {
  type Channel,
  type ChannelBody,
  type ChannelEvent,
  type ChannelMember,
  type ChannelPatch,
  type ChannelRole,
  channelUpdated,
} from "../protocol/channel.ts";
import type { PublicUser } from "../protocol/user.ts";
import { MAX_MEMBERS } from "./channel_members.ts";
import type { ChannelStore } from "./channel_store.ts";
import type { FindPublicUser } from "./message_views.ts";

export interface ChannelServiceOptions {
  channels: ChannelStore;
  findUser: FindPublicUser;
  /** The members of a group, a page at a time. */
  groupMembers(
    groupId: string,
    paging: { limit: number; cursor?: string },
  ): Promise<{ userIds: string[]; cursor: string | undefined }>;
  /** Lets the user name only groups of their own. */
  requireOwnGroups(user: PublicUser, groupIds: readonly string[]): Promise<void>;
  /** Whether the user is a member has changed: told to all instances. */
  membershipChanged(channelId: string, userId: string, isMember: boolean): Promise<void>;
  /** Whoever may enter the channel has changed: told to all instances, and there to who may now. */
  accessChanged(channelId: string): Promise<void>;
  /** Ends the answers of models that are being written in the channel. */
  stopAnswers(channelId: string): Promise<unknown>;
  /** Sends to all who are in the channel's room, on every instance. */
  emit(event: ChannelEvent): void;
  emitToUser(userId: string, event: ChannelEvent): void;
  clock?: Clock;
}

export interface ChannelDetails extends Channel {
  is_manager: boolean;
  write_access: boolean;
  /** Of channels with members. */
  user_count: number | null;
  /** Of direct channels. */
  users: PublicUser[] | null;
  user_ids: string[] | null;
  last_read_at: number | null;
  last_read_position: number | null;
  last_position: number | null;
  /** Counted up to 100. */
  unread_count: number;
}

/** What of a channel can change between two looks at a list. */
export type ChannelListItem =
  & Omit<ChannelDetails, "is_manager" | "write_access" | "user_count">
  & { last_message_at: number | null };

const MAX_UNREAD = 100;
const PAGE = 200;
/** A direct channel is shown with its people. */
const MAX_PEOPLE = 50;

/** Channels as their users meet them: who is told what when they change. */
export class ChannelService {
  readonly #options: ChannelServiceOptions;
  readonly #channels: ChannelStore;
  readonly #clock: Clock;

  constructor(options: ChannelServiceOptions) {
    this.#options = options;
    this.#channels = options.channels;
    this.#clock = options.clock ?? systemClock;
  }

  /** @throws {AppError} `forbidden`, `invalid_payload`, `too_large`; `not_found` for a group of others */
  async create(user: PublicUser, body: ChannelBody): Promise<Channel> {
    const userIds = await this.#known(await this.#people(user, body));
    if (body.type === "dm" && userIds.length > MAX_PEOPLE) {
      throw new AppError("too_large", `A direct channel has at most ${MAX_PEOPLE} people.`);
    }
    const { channel, isNew } = await this.#channels.create(user, body, userIds);
    if (!isNew) return channel;
    if (channel.type === null) {
      await this.#options.accessChanged(channel.id);
    } else await this.#welcome(channel, user, [...new Set([user.id, ...userIds])]);
    return channel;
  }

  /** @throws {AppError} `not_found` */
  async details(user: PublicUser, channelId: string): Promise<ChannelDetails> {
    const channel = await this.#channels.enter(user, channelId);
    const [is_manager, write_access, user_count, people, unread] = await Promise.all([
      this.#channels.isManager(user, channel),
      this.#channels.mayWrite(user, channel),
      channel.type === null ? null : this.#channels.members.count(channel.id),
      this.#peopleOf(channel),
      this.#channels.messages.unread(channel.id, user.id, MAX_UNREAD),
    ]);
    return { ...channel, is_manager, write_access, user_count, ...people, ...unread };
  }

  async page(
    user: PublicUser,
    paging: { limit: number; cursor?: string },
  ): Promise<{ channels: ChannelListItem[]; cursor: string | undefined }> {
    const { channels, cursor } = await this.#channels.page(user, paging);
    const items = await Promise.all(channels.map(async (channel) => {
      const [people, unread] = await Promise.all([
        this.#peopleOf(channel),
        this.#channels.messages.unread(channel.id, user.id, MAX_UNREAD),
      ]);
      const { last_position } = unread;
      const last_message_at = last_position === null ? null : Math.floor(last_position / 1000);
      return { ...channel, ...people, ...unread, last_message_at };
    }));
    return { channels: items, cursor };
  }

  /** @throws {AppError} `not_found`, `forbidden` */
  async update(user: PublicUser, channelId: string, patch: ChannelPatch): Promise<Channel> {
    const { channel, isAccessChanged } = await this.#channels.update(user, channelId, patch);
    const { accessChanged, emit } = this.#options;
    // Who has to leave hears of it before.
    emit(channelUpdated(channel.id));
    if (isAccessChanged) await accessChanged(channel.id);
    return channel;
  }

  /**
   * Deletes the channel. Everybody hears of it, and leaves its room before what was said is taken
   * away.
   *
   * @throws {AppError} `not_found`, `forbidden`
   */
  async delete(user: PublicUser, channelId: string): Promise<void> {
    const { accessChanged, stopAnswers, emit } = this.#options;
    const channel = await this.#channels.delete(user, channelId);
    emit(channelUpdated(channel.id));
    await Promise.all([accessChanged(channel.id), stopAnswers(channel.id)]);
    await this.#channels.clear(channel);
  }

  /** @throws {AppError} `not_found` */
  async members(
    user: PublicUser,
    channelId: string,
    paging: { limit: number; cursor?: string },
  ): Promise<{ members: (ChannelMember & { user: PublicUser })[]; cursor: string | undefined }> {
    const channel = await this.#channels.enter(user, channelId);
    const { members, cursor } = await this.#channels.members.page(channel.id, paging);
    const users = await Promise.all(members.map(({ user_id }) => this.#options.findUser(user_id)));
    const shown = members.flatMap((member, at) => {
      const found = users[at];
      return found ? [{ ...member, user: found }] : [];
    });
    return { members: shown, cursor };
  }

  /** @throws {AppError} `not_found`, `forbidden`, `too_large`; `invalid_payload` where there are no members */
  async addMembers(
    user: PublicUser,
    channelId: string,
    asked: Pick<ChannelBody, "user_ids" | "group_ids"> & { role?: ChannelRole | undefined },
  ): Promise<ChannelMember[]> {
    const channel = await this.#withMembers(user, channelId);
    const userIds = await this.#known(await this.#people(user, asked));
    const now = unixSeconds(this.#clock);
    const fresh = await this.#channels.members.add(channel.id, userIds, {
      by: user.id,
      now,
      role: asked.role,
    });
    await this.#welcome(channel, user, fresh);
    // Who looks at its members sees them come.
    if (fresh.length > 0) this.#options.emit(channelUpdated(channel.id));
    const members = await this.#channels.members.getMany(channel.id, userIds);
    return members.filter((member) => member !== undefined);
  }

  /**
   * Sends members out, at once and on every instance; anybody may send themselves. Returns how many
   * were in.
   *
   * @throws {AppError} `not_found`, `forbidden`; `invalid_payload` where there are no members
   */
  async removeMembers(
    user: PublicUser,
    channelId: string,
    userIds: readonly string[],
  ): Promise<number> {
    const isLeaving = userIds.length === 1 && userIds[0] === user.id;
    const channel = isLeaving
      ? requireGroup(await this.#channels.enter(user, channelId))
      : await this.#withMembers(user, channelId);
    const removed = await this.#channels.members.remove(channel.id, userIds);
    await Promise.all([
      this.#channels.messages.reads.forget(channel.id, userIds),
      ...userIds.map((id) => this.#options.membershipChanged(channel.id, id, false)),
    ]);
    for (const id of userIds) this.#options.emitToUser(id, channelUpdated(channel.id));
    if (removed > 0) this.#options.emit(channelUpdated(channel.id));
    return removed;
  }

  async #withMembers(user: PublicUser, channelId: string): Promise<Channel> {
    requireGroup(await this.#channels.enter(user, channelId));
    return await this.#channels.enterToManage(user, channelId);
  }

  /** Newcomers have read what was said before, join at once, and see the channel in their lists. */
  async #welcome(channel: Channel, user: PublicUser, userIds: readonly string[]): Promise<void> {
    const mark = { at: unixSeconds(this.#clock), position: this.#clock.nowMs() };
    await Promise.all(
      userIds.map((id) => this.#channels.messages.reads.set(channel.id, id, mark)),
    );
    await Promise.all(
      userIds.map((id) => this.#options.membershipChanged(channel.id, id, true)),
    );
    for (const id of userIds) {
      this.#options.emitToUser(id, created(channel, user));
    }
  }

  /** The users that a request names, those of its groups included. */
  async #people(
    user: PublicUser,
    { user_ids, group_ids }: Pick<ChannelBody, "user_ids" | "group_ids">,
  ): Promise<string[]> {
    await this.#options.requireOwnGroups(user, group_ids ?? []);
    const people = new Set(user_ids ?? []);
    for (const groupId of new Set(group_ids ?? [])) {
      let cursor: string | undefined;
      do {
        const page = await this.#options.groupMembers(groupId, {
          limit: PAGE,
          ...(cursor !== undefined && { cursor }),
        });
        for (const id of page.userIds) people.add(id);
        if (people.size > MAX_MEMBERS) {
          throw new AppError("too_large", `A channel has at most ${MAX_MEMBERS} members.`);
        }
        cursor = page.cursor;
      } while (cursor !== undefined);
    }
    return [...people];
  }

  async #known(userIds: readonly string[]): Promise<string[]> {
    const users = await Promise.all(userIds.map(this.#options.findUser));
    return userIds.filter((_, at) => users[at] !== undefined);
  }

  async #peopleOf(channel: Channel): Promise<Pick<ChannelDetails, "users" | "user_ids">> {
    if (channel.type !== "dm") return { users: null, user_ids: null };
    const { members } = await this.#channels.members.page(channel.id, { limit: MAX_PEOPLE });
    const user_ids = members.map(({ user_id }) => user_id);
    const users = await Promise.all(user_ids.map(this.#options.findUser));
    return { user_ids, users: users.filter((user) => user !== undefined) };
  }
}

const created = (channel: Channel, user: PublicUser): ChannelEvent => ({
  channel_id: channel.id,
  message_id: null,
  data: { type: "channel:created", data: channel },
  user: publicly(user),
  channel,
});

function requireGroup(channel: Channel): Channel {
  if (channel.type === "group") return channel;
  throw new AppError("invalid_payload", "Members of this channel can't be changed.");
}

/** What others are told about a user. */
export const publicly = ({ id, name, role }: PublicUser): PublicUser => ({ id, name, role });
