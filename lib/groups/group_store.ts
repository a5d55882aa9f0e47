import { type Clock, systemClock, unixSeconds } from "../common/clock.ts";
import { AppError } from "../common/errors.ts";
import type { GroupMembership } from "../sharing/grants.ts";
import type { Group, GroupBody, GroupPatch } from "../protocol/group.ts";
import { keys } from "../state/key_space.ts";
import type { GroupRecord } from "../state/records.ts";
import type { IndexPageOptions, SortedIndex, StateStore } from "../state/state_store.ts";

type Paging = Pick<IndexPageOptions, "limit" | "cursor">;

/** A user's groups that lists look at. */
const MAX_GROUPS_OF_USER = 200;
const MAX_COUNTED = 10_000;
const PAGE = 200;

/**
 * Groups of users. Somebody is in a group when the group's record is there and its index of members
 * has them; a user's own list of groups is only a hint.
 */
export class GroupStore implements GroupMembership {
  readonly #store: StateStore;
  readonly #clock: Clock;

  constructor(store: StateStore, clock: Clock = systemClock) {
    this.#store = store;
    this.#clock = clock;
  }

  async create(userId: string, body: GroupBody): Promise<Group> {
    const now = unixSeconds(this.#clock);
    const record: GroupRecord = {
      id: crypto.randomUUID(),
      user_id: userId,
      name: body.name,
      description: body.description,
      permissions: body.permissions ?? null,
      data: body.data ?? null,
      meta: body.meta ?? null,
      created_at: now,
      updated_at: now,
    };
    await this.#all().put({ member: record.id, score: now });
    await this.#store.values.set(keys.group(record.id), record);
    return { ...record, member_count: 0 };
  }

  /** @throws {AppError} `not_found` */
  async get(groupId: string): Promise<Group> {
    const record = await this.#store.values.get(keys.group(groupId));
    if (!record) throw new AppError("not_found", "There is no such group.");
    return await this.#counted(record);
  }

  /** All groups, or with `userId` those of one user; the oldest first. */
  async page(
    { userId, ...paging }: Paging & { userId?: string },
  ): Promise<{ groups: Group[]; cursor: string | undefined }> {
    const index = userId === undefined
      ? this.#all()
      : this.#store.sortedIndex(keys.userGroups(userId));
    const { entries, cursor } = await index.page(paging);
    const ids = entries.map(({ member }) => member);
    const listed = userId === undefined ? ids : [...await this.memberOf(userId, ids)];
    const records = await this.#store.values.getMany(listed.map(keys.group));
    const found = records.filter((record) => record !== undefined);
    return { groups: await Promise.all(found.map((record) => this.#counted(record))), cursor };
  }

  /** What the group is called; `undefined`: there is none. */
  async nameOf(groupId: string): Promise<string | undefined> {
    return (await this.#store.values.get(keys.group(groupId)))?.name;
  }

  /** @throws {AppError} `not_found` */
  async update(groupId: string, patch: GroupPatch): Promise<Group> {
    const given = Object.fromEntries(
      Object.entries(patch).filter(([, value]) => value !== undefined && value !== null),
    );
    const updated_at = unixSeconds(this.#clock);
    const record = await this.#store.values.update(
      keys.group(groupId),
      (now) => now && { ...now, ...given, updated_at },
    );
    if (!record) throw new AppError("not_found", "There is no such group.");
    return await this.#counted(record);
  }

  /** @throws {AppError} `not_found` */
  async addMembers(groupId: string, userIds: readonly string[]): Promise<Group> {
    const group = await this.get(groupId);
    const score = unixSeconds(this.#clock);
    await Promise.all(
      userIds.map((id) =>
        this.#store.sortedIndex(keys.userGroups(id)).put({ member: groupId, score })
      ),
    );
    await this.#members(groupId).put(...userIds.map((member) => ({ member, score })));
    return await this.#counted(group);
  }

  /** @throws {AppError} `not_found` */
  async removeMembers(groupId: string, userIds: readonly string[]): Promise<Group> {
    const group = await this.get(groupId);
    await this.#members(groupId).remove(...userIds);
    await this.#forget(groupId, userIds);
    return await this.#counted(group);
  }

  /** The members a page at a time, in the order in which they came. */
  async members(
    groupId: string,
    paging: Paging = {},
  ): Promise<{ userIds: string[]; cursor: string | undefined }> {
    const { entries, cursor } = await this.#members(groupId).page(paging);
    return { userIds: entries.map(({ member }) => member), cursor };
  }

  /** Deletes the group and yields who was in it, a page at a time. */
  async *delete(groupId: string): AsyncGenerator<string[]> {
    await this.get(groupId);
    await this.#store.values.delete(keys.group(groupId));
    let cursor: string | undefined;
    do {
      const page = await this.members(groupId, {
        limit: PAGE,
        ...(cursor !== undefined && { cursor }),
      });
      yield page.userIds;
      await this.#forget(groupId, page.userIds);
      cursor = page.cursor;
    } while (cursor !== undefined);
    await this.#members(groupId).clear();
    await this.#all().remove(groupId);
  }

  async memberOf(userId: string, groupIds: readonly string[]): Promise<ReadonlySet<string>> {
    if (groupIds.length === 0) return new Set();
    const [records, scores] = await Promise.all([
      this.#store.values.getMany(groupIds.map(keys.group)),
      Promise.all(groupIds.map((id) => this.#members(id).score(userId))),
    ]);
    return new Set(
      groupIds.filter((_, at) => records[at] !== undefined && scores[at] !== undefined),
    );
  }

  async groupsOf(userId: string): Promise<string[]> {
    const index = this.#store.sortedIndex(keys.userGroups(userId));
    const { entries } = await index.page({ limit: MAX_GROUPS_OF_USER });
    return entries.map(({ member }) => member);
  }

  async #forget(groupId: string, userIds: readonly string[]): Promise<void> {
    await Promise.all(
      userIds.map((id) => this.#store.sortedIndex(keys.userGroups(id)).remove(groupId)),
    );
  }

  async #counted(record: GroupRecord): Promise<Group> {
    const member_count = await this.#members(record.id).count({ limit: MAX_COUNTED });
    return { ...record, member_count };
  }

  #all(): SortedIndex {
    return this.#store.sortedIndex(keys.groups);
  }

  #members(groupId: string): SortedIndex {
    return this.#store.sortedIndex(keys.groupMembers(groupId));
  }
}
