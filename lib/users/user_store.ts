import { type Clock, systemClock, unixSeconds } from "../common/clock.ts";
import { AppError } from "../common/errors.ts";
import type { Comer } from "../common/fair_queue.ts";
import type { PublicUser, Role, User } from "../protocol/user.ts";
import { keys, unchecked } from "../state/key_space.ts";
import { DEFAULT_PICTURE, type UserRecord } from "../state/records.ts";
import type {
  Dictionary,
  IndexEntry,
  IndexPageOptions,
  SortedIndex,
  StateStore,
} from "../state/state_store.ts";
import { Admins } from "./admins.ts";
import { dropClaim, takeClaim } from "./unique_claims.ts";
import type { PasswordHasher } from "./password_hasher.ts";
import { UserCache } from "./user_cache.ts";
import { normalisedEmail, toUser } from "./user_record.ts";

/** What other instances have to know at once. */
export type UserChange =
  | { type: "role_changed"; user_id: string; role: Role }
  | { type: "user_deleted"; user_id: string };

export interface UserStoreOptions {
  store: StateStore;
  passwords: PasswordHasher;
  /** Tells all instances, after the change has been stored. */
  announce(change: UserChange): Promise<void>;
  /** The role of all who sign up after the first. Default: `pending`. */
  defaultRole?: Role;
  /** Default: the system's. */
  clock?: Clock;
}

export interface NewUser {
  name: string;
  email: string;
  password: string;
  /** Default: a UUID. */
  id?: string;
}

export type UserPatch =
  & Partial<Pick<User, "role" | "name" | "email" | "profile_image_url">>
  & { password?: string };

export interface UserPage {
  users: User[];
  cursor: string | undefined;
}

/** An index entry without a record is a sign-up in progress, or one that was cut short. */
const SIGN_UP_SECONDS = 60;

function noSuchUser(): AppError {
  return new AppError("not_found", "There is no such user.");
}

/**
 * The users. A user is one record; the claim of the address and the indexes are written before it
 * and taken away after it, so that whatever is cut short leaves nothing that is half a user.
 */
export class UserStore {
  readonly #store: StateStore;
  readonly #options: UserStoreOptions;
  readonly #clock: Clock;
  readonly #admins: Admins;
  readonly #cache: UserCache;

  constructor(options: UserStoreOptions) {
    const { store, clock = systemClock } = options;
    this.#store = store;
    this.#options = options;
    this.#clock = clock;
    this.#admins = new Admins(store);
    this.#cache = new UserCache({
      clock,
      load: async (userId) => {
        const [record, lastActiveAt] = await Promise.all([
          this.#record(userId),
          this.#lastActive().get(userId),
        ]);
        return record && toUser(record, lastActiveAt);
      },
    });
  }

  /** Whether somebody has signed up who is there to let others in. */
  async hasFirst(): Promise<boolean> {
    return await this.#store.values.get(keys.firstUser) !== undefined &&
      await this.#admins.exists();
  }

  /**
   * Signs somebody up. The first of all becomes the admin.
   *
   * @throws {AppError} `conflict` when somebody has the address; `forbidden` with `onlyFirst` for
   * all but the first
   */
  async create(
    input: NewUser,
    { onlyFirst = false, comer }: { onlyFirst?: boolean; comer?: Comer } = {},
  ): Promise<User> {
    if (onlyFirst && await this.hasFirst()) {
      throw new AppError("forbidden", "Signing up is closed.");
    }
    // Before the claims: a hash may wait for its turn, a claim may not.
    const password_hash = await this.#options.passwords.hash(input.password, comer);
    const id = input.id ?? crypto.randomUUID();
    const email = normalisedEmail(input.email);
    await this.#claimEmail(email, id);
    let isFirst = false;
    try {
      isFirst = await this.#claimFirst(id);
      if (onlyFirst && !isFirst) throw new AppError("forbidden", "Signing up is closed.");
      const now = unixSeconds(this.#clock);
      const record: UserRecord = {
        id,
        email,
        name: input.name,
        role: isFirst ? "admin" : this.#options.defaultRole ?? "pending",
        profile_image_url: DEFAULT_PICTURE,
        last_active_at: now,
        created_at: now,
        updated_at: now,
        password_hash,
      };
      await this.#index().put({ member: id, score: now });
      if (record.role === "admin") await this.#admins.add(id);
      if (!await this.#store.values.setIfAbsent(keys.user(id), record)) {
        throw new AppError("conflict", "There is a user with this id.");
      }
      this.#cache.forget(id);
      return toUser(record);
    } catch (thrown) {
      await this.#giveUp(id, email, isFirst, thrown);
      throw thrown;
    }
  }

  /**
   * The user whose address and password these are, or `undefined`; takes as long for an unknown
   * address as for a wrong password.
   */
  async authenticate(
    email: string,
    password: string,
    comer?: Comer,
  ): Promise<User | undefined> {
    const { passwords } = this.#options;
    const record = await this.#recordByEmail(email);
    const hash = record?.password_hash;
    const isRight = await passwords.verify(password, hash, comer);
    if (!isRight || !record || hash === undefined) return undefined;
    if (passwords.isOutdated(hash)) {
      const password_hash = await passwords.hash(password, comer);
      await this.#store.values.update(
        keys.user(record.id),
        (now) => now?.password_hash === hash ? { ...now, password_hash } : now,
      );
    }
    return toUser(record);
  }

  /** The user, at most a few seconds old; a change that was announced is seen at once. */
  get(userId: string): Promise<User | undefined> {
    return this.#cache.get(userId);
  }

  /** What others are told about the user. */
  async findPublic(userId: string): Promise<PublicUser | undefined> {
    const user = await this.get(userId);
    return user && { id: user.id, name: user.name, role: user.role };
  }

  /** A page in the order of sign-up; `descending`: who came last comes first. */
  async page(
    options: Pick<IndexPageOptions, "limit" | "cursor" | "descending"> = {},
  ): Promise<UserPage> {
    const { entries, cursor } = await this.#index().page(options);
    const ids = entries.map(({ member }) => member);
    const [records, lastActive] = await Promise.all([
      this.#store.values.getMany(ids.map(keys.user)),
      this.#lastActive().getMany(ids),
    ]);
    await this.#dropRemains(entries.filter((_, at) => records[at] === undefined));
    const users = records.map((record, at) => record && toUser(record, lastActive[at]));
    return { users: users.filter((user) => user !== undefined), cursor };
  }

  /**
   * Changes what the patch names, and announces a new role.
   *
   * @throws {AppError} `not_found`; `conflict` when somebody else has the address, or when it would
   * leave no admin
   */
  async update(userId: string, patch: UserPatch): Promise<User> {
    const { password, email, ...rest } = patch;
    const fields: Partial<UserRecord> = { ...rest };
    if (password !== undefined) fields.password_hash = await this.#options.passwords.hash(password);
    if (email !== undefined) fields.email = normalisedEmail(email);

    await using lock = patch.role === undefined ? undefined : await this.#admins.lock();
    const before = await this.#require(userId);
    const isDemoted = lock !== undefined && before.role === "admin" && patch.role !== "admin";
    if (isDemoted) await this.#admins.requireAnother(userId);
    if (patch.role === "admin") await this.#admins.add(userId);
    const isMoved = fields.email !== undefined && fields.email !== before.email;
    if (fields.email !== undefined && isMoved) await this.#claimEmail(fields.email, userId);
    await this.#keep(lock);

    const after = await this.#store.values.update(
      keys.user(userId),
      (now) => now && { ...now, ...fields, updated_at: unixSeconds(this.#clock) },
    );
    this.#cache.forget(userId);
    // What was claimed for a user who went meanwhile can be taken over by the next who asks.
    if (!after) throw noSuchUser();
    if (isMoved) await this.#dropEmail(before.email, userId);
    if (isDemoted) await this.#admins.remove(userId);
    if (after.role !== before.role) {
      await this.#options.announce({ type: "role_changed", user_id: userId, role: after.role });
    }
    return toUser(after, await this.#lastActive().get(userId));
  }

  /**
   * Deletes the user, and says who it was; what was theirs alone goes soon after
   * ({@linkcode deletedUsersSweepJob}).
   *
   * @throws {AppError} `not_found`; `conflict` for the last admin
   */
  async delete(userId: string): Promise<User> {
    await using lock = await this.#admins.lock();
    const record = await this.#require(userId);
    if (record.role === "admin") await this.#admins.requireAnother(userId);
    await this.#keep(lock);
    // Before the record: whatever is cut short after it, the sweep knows whose data has to go.
    const deleted = this.#store.dictionary(keys.deletedUsers);
    await deleted.set(userId, this.#clock.nowMs());
    await this.#store.values.delete(keys.user(userId));
    this.#cache.forget(userId);
    await this.#options.announce({ type: "user_deleted", user_id: userId });
    await this.#dropEmail(record.email, userId);
    await this.#admins.remove(userId);
    await this.#index().remove(userId);
    return toUser(record);
  }

  /** To be called on every access change: the next `get` reads again. */
  forget(userId: string): void {
    this.#cache.forget(userId);
  }

  /** To be called when access changes may have been missed. */
  forgetAll(): void {
    this.#cache.clear();
  }

  #index(): SortedIndex {
    return this.#store.sortedIndex(keys.users);
  }

  /** Written by `UserActivity`. */
  #lastActive(): Dictionary<number> {
    return this.#store.dictionary(keys.userActivity);
  }

  #record(userId: string): Promise<UserRecord | undefined> {
    return this.#store.values.get(keys.user(userId));
  }

  async #require(userId: string): Promise<UserRecord> {
    const record = await this.#record(userId);
    if (!record) throw noSuchUser();
    return record;
  }

  async #recordByEmail(given: string): Promise<UserRecord | undefined> {
    const email = normalisedEmail(given);
    const claim = await this.#store.values.get(keys.userByEmail(email));
    const record = claim && await this.#record(claim.id);
    return record?.email === email ? record : undefined;
  }

  async #claimEmail(email: string, userId: string): Promise<void> {
    const isTaken = await takeClaim(this.#store, keys.userByEmail(email), userId, {
      clock: this.#clock,
      isHeld: async ({ id }) => (await this.#record(id))?.email === email,
    });
    if (!isTaken) throw new AppError("conflict", "Somebody has this e-mail address already.");
  }

  #dropEmail(email: string, userId: string): Promise<void> {
    return dropClaim(this.#store, keys.userByEmail(email), userId);
  }

  #claimFirst(userId: string): Promise<boolean> {
    // Once there was an admin there always is one, so a claim without any was never fulfilled.
    const isHeld = () => this.#admins.exists();
    return takeClaim(this.#store, keys.firstUser, userId, { clock: this.#clock, isHeld });
  }

  /** Before the write that the lock is for: it must not have been lost to a long pause. */
  async #keep(lock: { renew(): Promise<boolean> } | undefined): Promise<void> {
    if (!lock || await lock.renew()) return;
    throw new AppError("unavailable", "It took too long: try again.", { retryAfterMs: 1_000 });
  }

  /**
   * Takes back the claims of a sign-up that failed. Not after `unavailable`: the record may have been
   * written all the same. What stays behind then can be taken over.
   */
  async #giveUp(id: string, email: string, wasFirst: boolean, thrown: unknown): Promise<void> {
    if (!(thrown instanceof AppError) || thrown.code === "unavailable") return;
    await this.#dropEmail(email, id);
    if (wasFirst) await dropClaim(this.#store, keys.firstUser, id);
  }

  async #dropRemains(entries: IndexEntry[]): Promise<void> {
    const oldest = unixSeconds(this.#clock) - SIGN_UP_SECONDS;
    const old = entries.filter(({ score }) => score < oldest).map(({ member }) => member);
    if (old.length === 0) return;
    const found = await this.#store.values.getMany(old.map((id) => unchecked(keys.user(id))));
    await this.#index().remove(...old.filter((_, at) => found[at] === undefined));
  }
}
