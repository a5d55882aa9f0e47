import { AccessReview } from "../common/access_review.ts";
import type { Logger } from "../common/logger.ts";
import type { DocumentRef } from "./document_id.ts";
import type { Member } from "./members.ts";
import type { NoteAccess } from "./note_ports.ts";
import type { OpenDocument } from "./open_document.ts";

export interface MemberAccessOptions {
  access: NoteAccess;
  /** How long it may be believed that a member may write. */
  ttlMs: number;
  /** The member may not read the note any more. */
  evict(member: Member, ref: DocumentRef): void;
  logger: Logger;
}

/** What the members of open documents may do, and asking again where that may have changed. */
export class MemberAccess implements Disposable {
  readonly #options: MemberAccessOptions;
  readonly #review: AccessReview;
  /** By document and user. */
  readonly #checking = new Map<string, Promise<void>>();

  constructor(options: MemberAccessOptions) {
    this.#options = options;
    this.#review = new AccessReview({ what: "documents", logger: options.logger });
  }

  /** What the user may do now; rejects when it can't be told. */
  async of(userId: string, noteId: string): Promise<{ mayRead: boolean; canWrite: boolean }> {
    const { access } = this.#options;
    const [mayRead, canWrite] = await Promise.all([
      access.mayRead(userId, noteId),
      access.mayWrite(userId, noteId),
    ]);
    return { mayRead, canWrite };
  }

  /** Whether what is known of the member may still be believed. */
  isFresh({ checkedAtMs }: Member): boolean {
    return performance.now() - checkedAtMs < this.#options.ttlMs;
  }

  /** Asks whether the member may still write, once for all who wait for it; rejects when it can't be told. */
  async refresh({ ref, members }: OpenDocument, { userId }: Member): Promise<void> {
    const name = JSON.stringify([ref.key, userId]);
    const checking = this.#checking.get(name) ??
      this.#options.access.mayWrite(userId, ref.noteId)
        .then((canWrite) => noteAccess(of(members, userId), canWrite))
        .finally(() => this.#checking.delete(name));
    this.#checking.set(name, checking);
    await checking;
  }

  /** Asks again about the user, or about all members. Never rejects. */
  async recheck(documents: OpenDocument[], userId?: string): Promise<void> {
    await this.#review.askAll(documents.flatMap((document) => {
      const users = new Set([...document.members.values()].map((member) => member.userId));
      const concerned = userId === undefined ? [...users] : [userId];
      return concerned.map((id) => this.#question(document, id));
    }));
  }

  #question({ ref, members }: OpenDocument, userId: string) {
    return {
      key: JSON.stringify([ref.noteId, userId]),
      ask: () => this.of(userId, ref.noteId),
      apply: ({ mayRead, canWrite }: { mayRead: boolean; canWrite: boolean }) => {
        noteAccess(of(members, userId), canWrite);
        if (mayRead) return;
        for (const member of of(members, userId)) this.#options.evict(member, ref);
      },
      matters: () => of(members, userId).length > 0,
    };
  }

  [Symbol.dispose](): void {
    this.#review[Symbol.dispose]();
  }
}

const of = (members: ReadonlyMap<string, Member>, userId: string) =>
  [...members.values()].filter((one) => one.userId === userId);

function noteAccess(members: Member[], canWrite: boolean): void {
  for (const member of members) {
    Object.assign(member, { canWrite, checkedAtMs: performance.now() });
  }
}
