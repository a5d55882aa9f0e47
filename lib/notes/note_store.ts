import { type Clock, systemClock, unixSeconds } from "../common/clock.ts";
import { AppError } from "../common/errors.ts";
import { jsonLength } from "../common/encode_in_turns.ts";
import { mergedPage } from "../common/merged_pages.ts";
import { requireOwnGrants } from "../sharing/own_groups.ts";
import { SharedIndex } from "../sharing/shared_index.ts";
import { EVERYONE, type Principal } from "../protocol/access_grants.ts";
import { type GroupMembership, isGranted, membershipIn, sameGrants } from "../sharing/grants.ts";
import type {
  Note,
  NoteBody,
  NoteData,
  NotePatch,
  NoteSummary,
  NoteVersion,
} from "../protocol/note.ts";
import { NoteAccess, type NoteAccessOptions, type Reader } from "./note_access.ts";
import {
  countedOf,
  holdingsOf,
  isOwner,
  noSuchNote,
  type NoteRecord,
  previewOf,
  recounted,
  sharedWith,
  toNote,
  toSummary,
} from "./note_record.ts";
import { type KeptText, NoteVersions } from "./note_versions.ts";
import { negative, UserQuotas } from "../quotas/user_quotas.ts";
import { keys } from "../state/key_space.ts";
import type { StateStore } from "../state/state_store.ts";

export interface NoteStoreOptions extends NoteAccessOptions {
  store: StateStore;
  quotas?: UserQuotas;
  clock?: Clock;
}

/** A text that is written over is kept if this long none was, in seconds. */
const KEEP_EVERY_S = 10 * 60;
/**
 * A note that is being written goes to the top of the lists so often, in seconds: within a page they
 * are in the order of their last change all the same.
 */
const LIST_EVERY_S = 60;
/** By how much a save may leave its owner's count wrong, in bytes: to count costs as much as to write. */
const UNCOUNTED_BYTES = 1_024;

/**
 * Notes: of their owner, shared by grants. The record is the truth; the indexes by which a note is
 * found (its owner's, and one for each principal of its grants) are hints.
 *
 * Who may not read a note is answered `not_found`: a stranger does not learn that it exists.
 */
export class NoteStore {
  readonly #store: StateStore;
  readonly #groups: GroupMembership;
  readonly #access: NoteAccess;
  readonly #clock: Clock;
  readonly #index: SharedIndex;
  readonly #quotas: UserQuotas;
  readonly #versions: NoteVersions;

  constructor(options: NoteStoreOptions) {
    const { store, groups, findUser, clock = systemClock } = options;
    this.#quotas = options.quotas ?? new UserQuotas(store);
    this.#store = store;
    this.#groups = groups;
    this.#access = new NoteAccess({ store, groups, findUser });
    this.#clock = clock;
    this.#versions = new NoteVersions(store);
    this.#index = new SharedIndex(
      ({ principal_type, principal_id }) =>
        store.sortedIndex(keys.notesOf(principal_type, principal_id)),
      clock,
    );
  }

  /** @throws {AppError} `not_found` for a group of others */
  async create(author: Reader, body: NoteBody): Promise<Note> {
    await requireOwnGrants(author, body.access_grants ?? [], [], this.#groups);
    const userId = author.id;
    const now = unixSeconds(this.#clock);
    const id = crypto.randomUUID();
    const data = body.data ?? null;
    const record: NoteRecord = {
      id,
      user_id: userId,
      title: body.title,
      meta: body.meta ?? null,
      access_grants: body.access_grants ?? [],
      preview: previewOf(data),
      bytes: await jsonLength(data),
      created_at: now,
      updated_at: now,
    };
    await this.#quotas.take(userId, holdingsOf(record));
    await this.#index.put(record);
    if (data) await this.#store.values.set(keys.noteData(id), data);
    await this.#store.values.set(keys.note(id), record);
    return toNote(record, data);
  }

  /** @throws {AppError} `not_found` */
  async get(reader: Reader, noteId: string): Promise<Note & { write_access: boolean }> {
    const record = await this.#access.readable(reader, noteId);
    const [data, write_access] = await Promise.all([
      this.#data(noteId),
      this.#access.may(reader, record, "write"),
    ]);
    return { ...toNote(record, data), write_access };
  }

  /** @throws {AppError} `not_found`, `forbidden` for who may only read */
  async requireWrite(reader: Reader, noteId: string): Promise<void> {
    await this.#access.writable(reader, noteId);
  }

  /** The owner, and whom the note is shared with by name. @throws {AppError} `not_found`, `forbidden` */
  async shared(reader: Reader, noteId: string): Promise<Principal[]> {
    const record = await this.#access.readable(reader, noteId);
    if (!isOwner(reader, record)) {
      throw new AppError("forbidden", "Only its owner may share a note.");
    }
    return sharedWith(record);
  }

  /** All notes that the user may read by ownership or grant, last changed first. */
  async page(
    reader: Reader,
    { limit, cursor }: { limit: number; cursor?: string },
  ): Promise<{ notes: NoteSummary[]; cursor: string | undefined }> {
    const indexOf = (type: "user" | "group", id: string) =>
      this.#store.sortedIndex(keys.notesOf(type, id));
    let groupIds: string[] = [];
    const page = await mergedPage([indexOf("user", reader.id), indexOf("user", EVERYONE)], {
      limit,
      cursor,
      more: async () => {
        groupIds = await this.#groups.groupsOf(reader.id);
        return groupIds.map((id) => indexOf("group", id));
      },
    });
    const [records, groups] = await Promise.all([
      this.#store.values.getMany<NoteRecord>(page.entries.map(({ member }) => keys.note(member))),
      this.#groups.memberOf(reader.id, groupIds).then(membershipIn),
    ]);
    const present = records.filter((record) => record !== undefined);
    const readable = await Promise.all(
      present.map((record) =>
        record.user_id === reader.id || isGranted(record.access_grants, reader.id, "read", groups)
      ),
    );
    const notes = present.filter((_, at) => readable[at]).map(toSummary)
      .sort((a, b) => b.updated_at - a.updated_at);
    return { notes, cursor: page.cursor };
  }

  /**
   * Changes what the patch names; the parts of `data` it does not name stay. Says who may have lost
   * or won access.
   *
   * @throws {AppError} `not_found`, also for a group of others; `forbidden` for who may only read, and
   * for grants changed by somebody who is neither owner nor admin
   */
  async update(
    reader: Reader,
    noteId: string,
    patch: NotePatch,
  ): Promise<{ note: Note; isAccessChanged: boolean }> {
    const seen = await this.#access.writable(reader, noteId);
    if (patch.data) await this.#quotas.requireRoom(seen.user_id, "note_bytes");
    const grants = patch.access_grants ?? undefined;
    if (grants && !sameGrants(grants, seen.access_grants) && !isOwner(reader, seen)) {
      throw new AppError("forbidden", "Only the owner of a note may share it.");
    }
    if (grants) await requireOwnGrants(reader, grants, seen.access_grants, this.#groups);
    await this.#index.put({ ...seen, access_grants: grants ?? seen.access_grants });
    let replaced: NoteData | undefined;
    const data = patch.data
      ? await this.#mergeData(noteId, patch.data, (now) => void (replaced = now))
      : await this.#data(noteId);
    const [now, bytes] = [unixSeconds(this.#clock), await jsonLength(data)];
    let before = seen;
    const after = await this.#changeRecord(noteId, (record) => {
      before = record;
      return {
        ...record,
        ...patch.data?.content && keptAt(record, now),
        title: patch.title ?? record.title,
        meta: patch.meta ? { ...record.meta, ...patch.meta } : record.meta,
        access_grants: grants ?? record.access_grants,
        preview: previewOf(data),
        bytes,
      };
    });
    if (after.kept_at !== before.kept_at) {
      await this.#keepVersion(noteId, replaced, before.updated_at);
    }
    const isAccessChanged = !sameGrants(before.access_grants, after.access_grants);
    if (isAccessChanged) {
      await this.#index.regrant(before, after, () => this.#access.record(noteId));
    }
    return { note: toNote(after, data), isAccessChanged };
  }

  /** @throws {AppError} `not_found`; `forbidden` for who may only read */
  async delete(reader: Reader, noteId: string): Promise<void> {
    const record = await this.#access.writable(reader, noteId);
    // The text goes first: a deletion that is cut short leaves a note that can be deleted again.
    await this.#store.values.delete(keys.noteData(noteId));
    await this.#versions.clear(noteId);
    await this.#store.values.delete(keys.note(noteId));
    await this.#quotas.count(record.user_id, negative(holdingsOf(record)));
    // Who was saving it in between has brought it back.
    await this.#store.values.delete(keys.noteData(noteId));
    await this.#versions.clear(noteId);
    await this.#index.remove(record);
  }

  mayRead(userId: string, noteId: string): Promise<boolean> {
    return this.#access.mayById(userId, noteId, "read");
  }

  mayWrite(userId: string, noteId: string): Promise<boolean> {
    return this.#access.mayById(userId, noteId, "write");
  }

  /** The text; `undefined` when there is no such note. */
  async load(noteId: string): Promise<NonNullable<NoteData["content"]> | undefined> {
    const [record, data] = await Promise.all([this.#access.record(noteId), this.#data(noteId)]);
    return record && (data?.content ?? {});
  }

  /**
   * Stores the text of a note: two writes as a rule, since documents are saved all the time.
   *
   * @throws {AppError} `not_found` when it has been deleted
   */
  async save(noteId: string, content: object): Promise<void> {
    let replaced: NoteData | undefined;
    const text = { content: { ...content } };
    const data = await this.#mergeData(noteId, text, (now) => void (replaced = now));
    const [now, bytes] = [unixSeconds(this.#clock), await jsonLength(data)];
    let before: NoteRecord | undefined;
    const after = await this.#changeRecord(noteId, (record) => {
      before = record;
      return {
        ...record,
        ...keptAt(record, now),
        ...listedAt(record, now),
        preview: previewOf(data),
        bytes,
      };
    }, UNCOUNTED_BYTES);
    if (before && after.kept_at !== before.kept_at) {
      await this.#keepVersion(noteId, replaced, before.updated_at);
    }
    if (after.listed_at !== before?.listed_at) await this.#index.put(after);
  }

  /** The earlier texts that are kept, the newest first. @throws {AppError} `not_found` */
  async versions(reader: Reader, noteId: string): Promise<NoteVersion[]> {
    await this.#access.readable(reader, noteId);
    return await this.#versions.list(noteId);
  }

  /** An earlier text. @throws {AppError} `not_found` */
  async version(reader: Reader, noteId: string, versionId: string): Promise<KeptText> {
    await this.#access.readable(reader, noteId);
    return await this.#versions.get(noteId, versionId);
  }

  /** Keeps the text of now, which is about to be replaced. @throws {AppError} `not_found` */
  async keepVersion(noteId: string): Promise<void> {
    const [record, data] = await Promise.all([this.#access.record(noteId), this.#data(noteId)]);
    if (!record) throw noSuchNote();
    await this.#keepVersion(noteId, data, record.updated_at);
  }

  async #keepVersion(noteId: string, data: NoteData | null | undefined, savedAt: number) {
    const version_bytes = await this.#versions.keep(noteId, data?.content, savedAt);
    await this.#changeRecord(noteId, (now) => ({ ...now, version_bytes }));
  }

  /** Ids of the notes that are shared with a group, a page at a time. */
  async *sharedWith(groupId: string): AsyncGenerator<string[]> {
    const index = this.#store.sortedIndex(keys.notesOf("group", groupId));
    let cursor: string | undefined;
    do {
      const page = await index.page({ limit: 200, ...(cursor !== undefined && { cursor }) });
      yield page.entries.map(({ member }) => member);
      cursor = page.cursor;
    } while (cursor !== undefined);
  }

  async #data(noteId: string): Promise<NoteData | null> {
    return await this.#store.values.get<NoteData>(keys.noteData(noteId)) ?? null;
  }

  #mergeData(
    noteId: string,
    given: NoteData,
    replaces?: (now: NoteData | undefined) => void,
  ): Promise<NoteData | null> {
    return this.#store.values
      .update<NoteData>(keys.noteData(noteId), (now) => {
        replaces?.(now);
        return { ...now, ...given };
      })
      .then((data) => data ?? null);
  }

  /** Changes the record; a note that was deleted meanwhile stays deleted, with its text. */
  async #changeRecord(
    noteId: string,
    change: (record: NoteRecord) => NoteRecord,
    slack = 0,
  ): Promise<NoteRecord> {
    const updated_at = unixSeconds(this.#clock);
    let before = 0;
    const after = await this.#store.values.update<NoteRecord>(keys.note(noteId), (record) => {
      before = record ? countedOf(record) : 0;
      return record && recounted({ ...change(record), updated_at }, before, slack);
    });
    if (after) {
      await this.#quotas.count(after.user_id, { note_bytes: countedOf(after) - before });
      return after;
    }
    await this.#store.values.delete(keys.noteData(noteId));
    await this.#versions.clear(noteId);
    throw noSuchNote();
  }
}

/** What the record says once the text of now is kept, if that is due. */
const keptAt = ({ kept_at = 0 }: NoteRecord, now: number) =>
  now - kept_at < KEEP_EVERY_S ? {} : { kept_at: now };

/** What it says once it is on top of the lists again, if that is due. */
const listedAt = ({ listed_at = 0 }: NoteRecord, now: number) =>
  now - listed_at < LIST_EVERY_S ? {} : { listed_at: now };
