import { AppError } from "../common/errors.ts";
import type { Permission } from "../protocol/access_grants.ts";
import type { Role } from "../protocol/user.ts";
import { type GroupMembership, isGranted } from "../sharing/grants.ts";
import { keys } from "../state/key_space.ts";
import type { StateStore } from "../state/state_store.ts";
import { isOwner, noSuchNote, type NoteRecord } from "./note_record.ts";

/** Who asks. An admin may do everything with every note. */
export interface Reader {
  id: string;
  role: Role;
}

export interface NoteAccessOptions {
  store: Pick<StateStore, "values">;
  groups: GroupMembership;
  /** For those who are known by their id only. */
  findUser(userId: string): Promise<Reader | undefined>;
}

/** Who may read and write which note. A stranger does not learn that a note exists. */
export class NoteAccess {
  readonly #options: NoteAccessOptions;

  constructor(options: NoteAccessOptions) {
    this.#options = options;
  }

  record(noteId: string): Promise<NoteRecord | undefined> {
    return this.#options.store.values.get<NoteRecord>(keys.note(noteId));
  }

  /** @throws {AppError} `not_found` */
  async readable(reader: Reader, noteId: string): Promise<NoteRecord> {
    const record = await this.record(noteId);
    if (!record || !(await this.may(reader, record, "read"))) throw noSuchNote();
    return record;
  }

  /** @throws {AppError} `not_found`, `forbidden` for who may only read */
  async writable(reader: Reader, noteId: string): Promise<NoteRecord> {
    const record = await this.readable(reader, noteId);
    if (await this.may(reader, record, "write")) return record;
    throw new AppError("forbidden", "You may not change this note.");
  }

  async may(reader: Reader, record: NoteRecord, permission: Permission): Promise<boolean> {
    return isOwner(reader, record) ||
      await isGranted(record.access_grants, reader.id, permission, this.#options.groups);
  }

  /** The same of somebody who is known by the id only. Who waits for an admin may nothing. */
  async mayById(userId: string, noteId: string, permission: Permission): Promise<boolean> {
    const { findUser } = this.#options;
    const [reader, record] = await Promise.all([findUser(userId), this.record(noteId)]);
    if (!reader || !record || reader.role === "pending") return false;
    return await this.may(reader, record, permission);
  }
}
