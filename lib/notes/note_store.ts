import { type Clock, systemClock, unixSeconds } from "../common/clock.ts";
import { AppError } from "../common/errors.ts";
import { jsonLength } from "../common/encode_in_turns.ts";
import { mergedPage } from "../common/merged_pages.ts";
import { requireOwnGrants } from "../sharing/own_groups.ts";
import { SharedIndex } from "../sharing/shared_index.ts";
import { EVERYONE, type Permission, type Principal } from "../protocol/access_grants.ts";
import { type GroupMembership, isGranted, membershipIn, sameGrants } from "../sharing/grants.ts";
import type {
  Note,
  NoteBody,
  NoteData,
  NotePatch,
  NoteSummary,
  NoteVersion,
} from "../protocol/note.ts";
import type { Role } from "../protocol/user.ts";
import {
  holdingsOf,
  isOwner,
  noSuchNote,
  type NoteRecord,
  previewOf,
  sharedWith,
  toNote,
  toSummary,
  weightOf,
} from "./note_record.ts";
import { type KeptText, NoteVersions } from "./note_versions.ts";
import { negative, UserQuotas } from "../quotas/user_quotas.ts";
import { keys } from "../state/key_space.ts";
import type { StateStore } from "../state/state_store.ts";

/** Who asks. An admin may do everything with every note. */
export interface Reader {
  id: string;
  role: Role;
}

export interface NoteStoreOptions {
  store: StateStore;
  groups: GroupMembership;
  /** For those who are known by their id only. */
  findUser(userId: string): Promise<Reader | undefined>;
  quotas?: UserQuotas;
  clock?: Clock;
}

/** A text that is written over is kept if this long none was, in seconds. */
const KEEP_EVERY_S = 10 * 60;

/**
 * Notes: of their owner, shared by grants. The record is the truth; the indexes by which a note is
 * found (its owner's, and one for each principal of its grants) are hints.
 *
 * Who may not read a note is answered `not_found`: a stranger does not learn that it exists.
 */
export class NoteStore {
  readonly #store: StateStore;
  readonly #groups: GroupMembership;
  readonly #findUser: NoteStoreOptions["findUser"];
  readonly #clock: Clock;
  readonly #index: SharedIndex;
  readonly #quotas: UserQuotas;
  readonly #versions: NoteVersions;

  constructor(options: NoteStoreOptions) {
    const { store, groups, findUser, clock = systemClock } = options;
    this.#quotas = options.quotas ?? new UserQuotas(store);
    this.#store = store;
    this.#groups = groups;
    this.#findUser = findUser;
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
    const record = await this.#readable(reader, noteId);
    const [data, write_access] = await Promise.all([
      this.#data(noteId),
      this.#may(reader, record, "write"),
    ]);
    return { ...toNote(record, data), write_access };
  }

  /** @throws {AppError} `not_found`, `forbidden` for who may only read */
  async requireWrite(reader: Reader, noteId: string): Promise<void> {
    await this.#writable(reader, noteId);
  }

  /** The owner, and whom the note is shared with by name. @throws {AppError} `not_found`, `forbidden` */
  async shared(reader: Reader, noteId: string): Promise<Principal[]> {
    const record = await this.#readable(reader, noteId);
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
    return { notes: present.filter((_, at) => readable[at]).map(toSummary), cursor: page.cursor };
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
    const seen = await this.#writable(reader, noteId);
    if (patch.data) await this.#quotas.requireRoom(seen.user_id, "note_bytes");
    const grants = patch.access_grants ?? undefined;
    if (grants && !sameGrants(grants, seen.access_grants) && !isOwner(reader, seen)) {
      throw new AppError("forbidden", "Only the owner of a note may share it.");
    }
    if (grants) await requireOwnGrants(reader, grants, seen.access_grants, this.#groups);
    await this.#index.put({ ...seen, access_grants: grants ?? seen.access_grants });
    const kept = patch.data?.content ? await this.#keepText(seen) : {};
    const data = patch.data ? await this.#mergeData(noteId, patch.data) : await this.#data(noteId);
    const bytes = await jsonLength(data);
    let before = seen;
    const after = await this.#changeRecord(noteId, (record) => {
      before = record;
      return {
        ...record,
        ...kept,
        title: patch.title ?? record.title,
        meta: patch.meta ? { ...record.meta, ...patch.meta } : record.meta,
        access_grants: grants ?? record.access_grants,
        preview: previewOf(data),
        bytes,
      };
    });
    const isAccessChanged = !sameGrants(before.access_grants, after.access_grants);
    if (isAccessChanged) {
      await this.#index.regrant(before, after, () => this.#record(noteId));
    }
    return { note: toNote(after, data), isAccessChanged };
  }

  /** @throws {AppError} `not_found`; `forbidden` for who may only read */
  async delete(reader: Reader, noteId: string): Promise<void> {
    const record = await this.#writable(reader, noteId);
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
    return this.#mayById(userId, noteId, "read");
  }

  mayWrite(userId: string, noteId: string): Promise<boolean> {
    return this.#mayById(userId, noteId, "write");
  }

  /** The text; `undefined` when there is no such note. */
  async load(noteId: string): Promise<NonNullable<NoteData["content"]> | undefined> {
    const [record, data] = await Promise.all([this.#record(noteId), this.#data(noteId)]);
    return record && (data?.content ?? {});
  }

  /** Stores the text of a note. @throws {AppError} `not_found` when it has been deleted */
  async save(noteId: string, content: object): Promise<void> {
    const record = await this.#record(noteId);
    if (!record) throw noSuchNote();
    const kept = await this.#keepText(record);
    const [data] = await Promise.all([
      this.#mergeData(noteId, { content: { ...content } }),
      this.#index.put(record),
    ]);
    const bytes = await jsonLength(data);
    await this.#changeRecord(noteId, (now) => ({
      ...now,
      ...kept,
      preview: previewOf(data),
      bytes,
    }));
  }

  /** The earlier texts that are kept, the newest first. @throws {AppError} `not_found` */
  async versions(reader: Reader, noteId: string): Promise<NoteVersion[]> {
    await this.#readable(reader, noteId);
    return await this.#versions.list(noteId);
  }

  /** An earlier text. @throws {AppError} `not_found` */
  async version(reader: Reader, noteId: string, versionId: string): Promise<KeptText> {
    await this.#readable(reader, noteId);
    return await this.#versions.get(noteId, versionId);
  }

  /** Keeps the text of now, which is about to be replaced. @throws {AppError} `not_found` */
  async keepVersion(noteId: string): Promise<void> {
    const [record, data] = await Promise.all([this.#record(noteId), this.#data(noteId)]);
    if (!record) throw noSuchNote();
    const version_bytes = await this.#versions.keep(noteId, data?.content, record.updated_at);
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

  async #mayById(userId: string, noteId: string, permission: Permission): Promise<boolean> {
    const [reader, record] = await Promise.all([this.#findUser(userId), this.#record(noteId)]);
    if (!reader || !record || reader.role === "pending") return false;
    return await this.#may(reader, record, permission);
  }

  async #may(reader: Reader, record: NoteRecord, permission: Permission): Promise<boolean> {
    return isOwner(reader, record) ||
      await isGranted(record.access_grants, reader.id, permission, this.#groups);
  }

  async #readable(reader: Reader, noteId: string): Promise<NoteRecord> {
    const record = await this.#record(noteId);
    if (!record || !(await this.#may(reader, record, "read"))) throw noSuchNote();
    return record;
  }

  async #writable(reader: Reader, noteId: string): Promise<NoteRecord> {
    const record = await this.#readable(reader, noteId);
    if (await this.#may(reader, record, "write")) return record;
    throw new AppError("forbidden", "You may not change this note.");
  }

  #record(noteId: string): Promise<NoteRecord | undefined> {
    return this.#store.values.get<NoteRecord>(keys.note(noteId));
  }

  async #data(noteId: string): Promise<NoteData | null> {
    return await this.#store.values.get<NoteData>(keys.noteData(noteId)) ?? null;
  }

  /** Keeps the text that is about to be written over, now and then; resolves to what the record says of it. */
  async #keepText(
    { id, kept_at = 0, updated_at }: NoteRecord,
  ): Promise<Pick<NoteRecord, "kept_at" | "version_bytes">> {
    const now = unixSeconds(this.#clock);
    if (now - kept_at < KEEP_EVERY_S) return {};
    const data = await this.#data(id);
    const version_bytes = await this.#versions.keep(id, data?.content, updated_at);
    return { kept_at: now, version_bytes };
  }

  #mergeData(noteId: string, given: NoteData): Promise<NoteData | null> {
    return this.#store.values
      .update<NoteData>(keys.noteData(noteId), (now) => ({ ...now, ...given }))
      .then((data) => data ?? null);
  }

  /** Changes the record; a note that was deleted meanwhile stays deleted, with its text. */
  async #changeRecord(
    noteId: string,
    change: (record: NoteRecord) => NoteRecord,
  ): Promise<NoteRecord> {
    const updated_at = unixSeconds(this.#clock);
    let before = 0;
    const after = await this.#store.values.update<NoteRecord>(keys.note(noteId), (record) => {
      before = record ? weightOf(record) : 0;
      return record && { ...change(record), updated_at };
    });
    if (after) {
      await this.#quotas.count(after.user_id, { note_bytes: weightOf(after) - before });
      return after;
    }
    await this.#store.values.delete(keys.noteData(noteId));
    await this.#versions.clear(noteId);
    throw noSuchNote();
  }
}
