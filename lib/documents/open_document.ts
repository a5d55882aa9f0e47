import * as Y from "yjs";
import type { Subscription } from "../bus/topics.ts";
import { AppError, errorText } from "../common/errors.ts";
import { keys } from "../state/key_space.ts";
import type { UpdateLog } from "../state/state_store.ts";
import { UpdateAdmission } from "./update_admission.ts";
import { UpdateGuard } from "./update_guard.ts";
import {
  AwarenessClaims,
  type AwarenessEntry,
  readAwareness,
  writeAwareness,
} from "./awareness.ts";
import { type Change, changesOf, type Person, personOf } from "./document_changes.ts";
import type { DocumentRef } from "./document_id.ts";
import { acquireSoon, type DocumentParts } from "./document_parts.ts";
import { KnownEntries } from "./known_entries.ts";
import { WeighedDoc } from "./weighed_doc.ts";
import { takeLog } from "./log_reader.ts";
import { LogWriter } from "./log_writer.ts";
import type { Member } from "./members.ts";
import { NoteRecord } from "./note_record.ts";
import { NoteSaver } from "./note_saver.ts";
import type { NoteSnapshot } from "../note_schema/note_content.ts";
import { PacedAwareness } from "./paced_awareness.ts";
import { applyAll, isChange, isIncomplete } from "./yjs_state.ts";

/** What comes with an update. */
interface Beside {
  /** What the editor says the text is now. */
  snapshot?: NoteSnapshot | undefined;
  /** It begins the document, and is of no use to one that has begun. */
  isFirst?: boolean;
}

/**
 * A document that is open on this instance. The shared log is the truth; the document in memory
 * follows it by the bus, and by reading it again wherever something may have been missed.
 */
export class OpenDocument {
  readonly ref: DocumentRef;
  readonly members = new Map<string, Member>();
  /** Sockets that have left here and still stand in the shared set of users. */
  readonly leavers = new Set<string>();
  readonly log: UpdateLog;
  readonly writer: LogWriter;
  readonly saver: NoteSaver;
  readonly #parts: DocumentParts;
  readonly #claims = new AwarenessClaims();
  readonly #pace = new PacedAwareness();
  readonly #note: NoteRecord;
  readonly #guard: UpdateGuard;
  readonly #admission: UpdateAdmission;
  #doc = new WeighedDoc();
  #known = new KnownEntries();
  /** What came while a damaged document is being read anew. */
  #mending: Uint8Array[] | undefined;
  /** Resolves when it has been. */
  #mended: Promise<void> | undefined;
  #subscription: Subscription | undefined;

  constructor(ref: DocumentRef, parts: DocumentParts) {
    this.ref = ref;
    this.#parts = parts;
    const logger = parts.logger.with({ document: ref.key });
    this.log = parts.store.updateLog(keys.documentUpdates(ref.key));
    this.#note = new NoteRecord(ref, parts, this.log);
    this.#guard = new UpdateGuard(parts);
    this.#admission = new UpdateAdmission(this.#guard, parts.costs);
    const { compactionThreshold, digester } = parts;
    const merge = (updates: Uint8Array[]) => digester.run("merge", updates);
    this.writer = new LogWriter({ log: this.log, compactionThreshold, merge, logger });
    this.saver = new NoteSaver({
      ...parts.saving,
      logger,
      save: () => this.#save(),
      onFailure: () => parts.audience.saveFailed([...this.members.values()]),
    });
    this.#follow(this.#doc);
  }

  get doc(): WeighedDoc {
    return this.#doc;
  }

  /** About what it takes in memory, in bytes. */
  get weight(): number {
    return this.#guard.weight(this.#doc);
  }

  isMember(userId: string): boolean {
    for (const member of this.members.values()) if (member.userId === userId) return true;
    return false;
  }

  /** Whether something is on its way to the log, or the document is being read anew. */
  get isBusy(): boolean {
    return this.#admission.isBusy || this.writer.waiting.length > 0 || this.#mending !== undefined;
  }

  /** Reads the log, or begins it with the note's text. The caller holds the document's lock. */
  async open(): Promise<void> {
    this.#subscription = this.#parts.topics.subscribe(changesOf(this.ref.key), {
      onMessage: (change) => this.#received(change),
      onGap: () => this.refresh(),
    });
    await this.#subscription.whenLive();
    const updates = await this.log.read();
    const isNew = updates.length === 0;
    const read = isNew ? this.#note.begin(this.#doc) : this.#takeLog(this.#doc, updates);
    this.#known = KnownEntries.of(await read);
    if (isNew) return;
    this.#note.changed();
    if (isIncomplete(this.#doc)) await this.#note.complete(this.#doc);
  }

  /** Takes what the log holds into the document; returns what it holds then. */
  async #takeLog(doc: WeighedDoc, updates: Uint8Array[]): Promise<Uint8Array[]> {
    const { digester, logger } = this.#parts;
    const options = { log: this.log, digester, logger, key: this.ref.key, origin: this };
    const { entries, bytes } = await takeLog(doc, updates, options);
    this.#guard.measured(bytes);
    this.#note.grew(bytes);
    return entries;
  }

  /**
   * Takes an update from a member, with what its editor says the text is now: into memory, into the
   * log, to the others. Resolves when it is in the log.
   *
   * @throws {AppError} `invalid_payload`, `too_large`, `unavailable`
   */
  update(update: Uint8Array, by?: Member, beside: Beside = {}): Promise<void> {
    this.writer.checkRoom();
    const { isFirst, snapshot } = beside;
    const take = () => (isFirst ? this.#begin : this.#take).call(this, update, by, snapshot);
    return this.#admission.admit({ doc: () => this.#doc, update, by, take });
  }

  /** Of several who begin the document, on whichever instances, the first one does. */
  async #begin(update: Uint8Array, by?: Member, snapshot?: NoteSnapshot): Promise<void> {
    await using _lock = await acquireSoon(this.#parts.store, keys.documentLock(this.ref.key));
    if (this.#doc.store.clients.size === 0) await this.refresh();
    if (this.#doc.store.clients.size > 0) return;
    await this.#take(update, by, snapshot);
  }

  #take(update: Uint8Array, by?: Member, snapshot?: NoteSnapshot): Promise<void> {
    if (!this.#parts.costs.charge(by?.userId, () => this.#apply(update))) {
      throw new AppError("invalid_payload", "update: it does not fit the document.");
    }
    if (snapshot) this.#note.give(snapshot);
    this.saver.edited();
    return this.writer.append(update, () => {
      this.#parts.audience.update(this.#others(by?.sid), by, update);
      this.#tell(() => ({ kind: "update", by: by && personOf(by), update }));
    });
  }

  /** Resolves when nothing is on its way to the log any more, and the document is as the log has it. */
  async idle(): Promise<void> {
    await this.#admission.idle();
    await this.#mended;
    await this.writer.idle();
  }

  /** Takes what an editor says the text is, and saves soon. */
  give(snapshot: NoteSnapshot): void {
    this.#note.give(snapshot);
    this.saver.edited();
  }

  /** Merges a text that was written past the document, against the text that its writer knew. */
  async merge(text: NoteSnapshot): Promise<void> {
    await this.saver.settled();
    const { content, update } = await this.#note.changeTo(this.#doc, text);
    if (update) await this.update(update);
    this.give({ json: content, ...(text.md && { md: text.md }) });
  }

  /** @throws {AppError} `invalid_payload`, `forbidden` */
  awareness(bytes: Uint8Array, by: Member): void {
    const { encoding, entries } = readAwareness(bytes);
    by.encoding = encoding;
    this.#pace.give(by.sid, this.#claims.admit(by, entries), (own) => {
      this.#showAwareness(own, by);
      const update = writeAwareness(own, "binary");
      this.#tell(() => ({ kind: "awareness", by: personOf(by), update }));
      return update.length;
    });
  }

  announce(kind: "joined" | "left", member: Member): void {
    const by = personOf(member);
    this.#show({ kind, by });
    this.#tell(() => ({ kind, by }));
  }

  /** Resolves when all that was in the log at the call is in memory. */
  async refresh(): Promise<void> {
    const { unknown, digests } = this.#known.among(await this.log.read());
    const origin = Symbol("from the log");
    const show = (update: Uint8Array, from: unknown) => {
      if (from !== origin) return;
      this.#note.grew(update.length);
      this.#parts.audience.update([...this.members.values()], undefined, update);
    };
    // Only for now: Yjs writes every change anew for whoever listens to it.
    const doc = this.#doc;
    const taken = await this.#guard.takenOf(doc, unknown);
    doc.on("update", show);
    await applyAll(doc, taken, origin, (update) => doc.take(update, origin));
    doc.off("update", show);
    if (doc === this.#doc) this.#known.remember(digests);
  }

  /** Whether the note says something else than the document. */
  isUnsaved(): Promise<boolean> {
    return this.#note.differs(this.#doc);
  }

  async dispose(): Promise<void> {
    this.saver[Symbol.dispose]();
    this.writer[Symbol.dispose]();
    this.#pace[Symbol.dispose]();
    this.#doc.destroy();
    await this.#subscription?.unsubscribe();
    await this.#mended;
    await this.writer.idle();
  }

  #follow(doc: Y.Doc): void {
    doc.on("afterTransaction", (transaction: Y.Transaction) => {
      if (this.#note.isEdited || transaction.origin === this) return;
      if (isChange(transaction)) this.#note.changed();
    });
  }

  #others(sid: string | undefined): Member[] {
    return [...this.members.values()].filter((member) => member.sid !== sid);
  }

  /** Applies the update; `false` when it is harmful, and the document is then read anew. */
  #apply(update: Uint8Array): boolean {
    try {
      this.#doc.take(update);
    } catch (thrown) {
      this.#parts.logger.warn("document update refused", { error: errorText(thrown) });
      if (!this.#mending) this.#mended = this.#mend();
      return false;
    }
    this.#guard.taken(this.#doc, update);
    this.#note.grew(update.length);
    this.#mending?.push(update);
    return true;
  }

  /** An update that failed half-way may have left something behind: the log has not. Never rejects. */
  async #mend(): Promise<void> {
    const since: Uint8Array[] = this.#mending = this.writer.waiting;
    try {
      const fresh = new WeighedDoc();
      const known = KnownEntries.of(await this.#takeLog(fresh, await this.log.read()));
      since.forEach((update) => fresh.take(update, this));
      this.#doc.destroy();
      this.#doc = fresh;
      this.#known = known;
      this.#follow(fresh);
    } catch (thrown) {
      this.#parts.logger.warn("document not read anew", { error: errorText(thrown) });
    }
    this.#mending = undefined;
  }

  #received(change: Change): void {
    if (change.kind === "unsaved") return this.saver.edited();
    if (change.kind === "update") {
      if (!this.#apply(change.update)) return;
      this.#parts.audience.update([...this.members.values()], change.by, change.update);
    } else if (change.kind === "awareness") {
      try {
        const { entries } = readAwareness(change.update);
        this.#showAwareness(this.#claims.admit(change.by, entries), change.by);
      } catch (thrown) {
        this.#parts.logger.debug("awareness dropped", { error: errorText(thrown) });
      }
    } else {
      this.#show(change);
    }
  }

  /** Shows the local members who has come or gone; with whom goes, the cursors go. */
  #show({ kind, by }: Extract<Change, { kind: "joined" | "left" }>): void {
    const { audience } = this.#parts;
    const to = this.#others(by.sid);
    if (kind === "joined") return audience.joined(to, by);
    this.#pace.forget(by.sid);
    const gone = this.#claims.release(by.sid);
    if (gone.length > 0) this.#showAwareness(gone, by);
    audience.left(to, by);
  }

  #showAwareness(entries: AwarenessEntry[], by: Person): void {
    const sent = this.members.get(by.sid)?.encoding ?? "binary";
    const byEncoding = Map.groupBy(this.#others(by.sid), ({ encoding }) => encoding ?? sent);
    for (const [encoding, to] of byEncoding) {
      this.#parts.audience.awareness(to, by, writeAwareness(entries, encoding));
    }
  }

  /** Tells the other instances that have the document open, if there may be any. */
  #tell(of: () => Change): void {
    const { topics, logger } = this.#parts;
    if (!topics.isHeard()) return;
    topics.publish(changesOf(this.ref.key), of()).catch((thrown) =>
      logger.warn("document change not sent yet", { error: errorText(thrown) })
    );
  }

  /** Whether other instances edit the document: who edits alone has everything in memory. */
  async #isSharedWithOthers(): Promise<boolean> {
    if (!this.#parts.topics.isHeard()) return false;
    const users = await this.#parts.store.memberSet(keys.documentUsers(this.ref.key)).members();
    return !users.every((sid) => this.members.has(sid) || this.leavers.has(sid));
  }

  #save(): Promise<number> {
    return this.#note.save(async () => {
      if (await this.#isSharedWithOthers()) await this.refresh();
      return this.#doc;
    });
  }
}
