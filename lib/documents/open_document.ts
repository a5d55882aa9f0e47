import * as Y from "yjs";
import { AppError, errorText } from "../common/errors.ts";
import { backOff, pause } from "../common/pause.ts";
import { keys } from "../state/key_space.ts";
import type { Subscription, UpdateLog } from "../state/state_store.ts";
import {
  AwarenessClaims,
  type AwarenessEntry,
  readAwareness,
  writeAwareness,
} from "./awareness.ts";
import {
  type Change,
  isFrom,
  MAX_SENT_BYTES,
  type Person,
  readMessage,
  toBytes,
  toText,
  writeMessage,
} from "./document_bus.ts";
import type { DocumentRef } from "./document_id.ts";
import type { DocumentParts } from "./document_parts.ts";
import { LogWriter } from "./log_writer.ts";
import type { Member } from "./members.ts";
import { NoteRecord } from "./note_record.ts";
import { NoteSaver } from "./note_saver.ts";
import type { NoteSnapshot } from "./note_ports.ts";
import { contentOf } from "./parse_content.ts";
import { applyAll, checkUpdate, isChange, isIncomplete } from "./yjs_state.ts";

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
  readonly #note: NoteRecord;
  readonly #stop = new AbortController();
  #doc = new Y.Doc();
  /** What came while a damaged document is being read anew. */
  #mending: Uint8Array[] | undefined;
  #subscription: Subscription | undefined;
  #reading: Promise<void> | undefined;
  #readAgain = false;
  #owesResync = false;
  /** An upper bound of the document's size. */
  #bytes = 0;

  constructor(ref: DocumentRef, parts: DocumentParts) {
    this.ref = ref;
    this.#parts = parts;
    const logger = parts.logger.with({ document: ref.key });
    this.log = parts.store.updateLog(keys.documentUpdates(ref.key));
    this.#note = new NoteRecord(ref, parts, this.log);
    const { compactionThreshold } = parts;
    this.writer = new LogWriter({ log: this.log, compactionThreshold, logger });
    this.saver = new NoteSaver({
      ...parts.saving,
      logger,
      save: () => this.#save(),
      onFailure: () => parts.audience.saveFailed([...this.members.values()]),
    });
    this.#follow(this.#doc);
  }

  get doc(): Y.Doc {
    return this.#doc;
  }

  /** Reads the log, or begins it with the note's text. The caller holds the document's lock. */
  async open(): Promise<void> {
    const { bus } = this.#parts;
    this.#subscription = await bus.subscribe(this.ref.key, {
      onMessage: (message) => this.#received(message),
      onGap: () => this.#catchUp(),
    });
    const updates = await this.log.read();
    await applyAll(this.#doc, updates, this);
    if (updates.length === 0) return await this.#note.begin(this.#doc);
    this.#note.changed();
    if (isIncomplete(this.#doc)) await this.#note.complete(this.#doc);
    this.#bytes = updates.reduce((sum, { length }) => sum + length, 0);
  }

  /**
   * Takes an update from a member, with what its editor says the text is now: into memory, into the
   * log, to the others. Resolves when it is in the log.
   *
   * @throws {AppError} `invalid_payload`, `too_large`, `unavailable`
   */
  async update(update: Uint8Array, by?: Person, snapshot?: NoteSnapshot): Promise<void> {
    const { maxDocumentBytes } = this.#parts;
    this.writer.checkRoom();
    checkUpdate(update);
    if (this.#bytes + update.length > maxDocumentBytes) {
      this.#bytes = Y.encodeStateAsUpdate(this.#doc).length;
      if (this.#bytes + update.length > maxDocumentBytes) {
        throw new AppError("too_large", `A document takes at most ${maxDocumentBytes} bytes.`);
      }
    }
    if (!this.#apply(update)) {
      throw new AppError("invalid_payload", "update: it does not fit the document.");
    }
    if (snapshot) this.#note.give(snapshot);
    this.saver.edited();
    await this.writer.append(update, () => {
      this.#parts.audience.update(this.#others(by?.sid), by, update);
      this.#tell(() =>
        update.length > MAX_SENT_BYTES
          ? { kind: "log" }
          : { kind: "update", by: by && personOf(by), update: toText(update) }
      );
    });
  }

  /** Takes what an editor says the text is, and saves soon. */
  give(snapshot: NoteSnapshot): void {
    this.#note.give(snapshot);
    this.saver.edited();
  }

  /** Merges a text that was written past the document, against the text that its writer knew. */
  async merge(text: NoteSnapshot): Promise<void> {
    const content = contentOf(text);
    const update = await this.#note.changeTo(this.#doc, content);
    if (update) await this.update(update);
    // Its writer's own Markdown and HTML are the note's, if that is all that the document says.
    this.give({ ...present(text), json: content });
  }

  /** @throws {AppError} `invalid_payload`, `forbidden` */
  awareness(bytes: Uint8Array, by: Member): void {
    const { encoding, entries } = readAwareness(bytes);
    by.encoding = encoding;
    const own = this.#claims.admit(by, entries);
    this.#showAwareness(own, by);
    this.#tell(() => ({
      kind: "awareness",
      by: personOf(by),
      update: toText(writeAwareness(own, "binary")),
    }));
  }

  announce(kind: "joined" | "left", member: Member): void {
    const by = personOf(member);
    this.#show({ kind, by });
    this.#tell(() => ({ kind, by }));
  }

  /** Resolves when all that was in the log at the call is in memory. */
  async refresh(): Promise<void> {
    const updates = await this.log.read();
    const origin = Symbol("from the log");
    const show = (update: Uint8Array, from: unknown) => {
      if (from !== origin) return;
      this.#parts.audience.update([...this.members.values()], undefined, update);
    };
    // Only for now: Yjs writes every change anew for whoever listens to it.
    const doc = this.#doc;
    doc.on("update", show);
    await applyAll(doc, updates, origin);
    doc.off("update", show);
  }

  /** Whether the note says something else than the document. */
  isUnsaved(): Promise<boolean> {
    return this.#note.differs(this.#doc);
  }

  async dispose(): Promise<void> {
    this.#stop.abort();
    this.saver[Symbol.dispose]();
    this.writer[Symbol.dispose]();
    this.#doc.destroy();
    await this.#subscription?.unsubscribe().catch(() => {});
    await this.writer.idle();
    await this.#reading;
  }

  #follow(doc: Y.Doc): void {
    doc.on("afterTransaction", (transaction: Y.Transaction) => {
      if (transaction.origin !== this && isChange(transaction)) this.#note.changed();
    });
  }

  #others(sid: string | undefined): Member[] {
    return [...this.members.values()].filter((member) => member.sid !== sid);
  }

  /** Applies the update; `false` when it is harmful, and the document is then read anew. */
  #apply(update: Uint8Array): boolean {
    try {
      Y.applyUpdate(this.#doc, update);
    } catch (thrown) {
      this.#parts.logger.warn("document update refused", { error: errorText(thrown) });
      if (!this.#mending) void this.#mend();
      return false;
    }
    this.#bytes += update.length;
    this.#mending?.push(update);
    return true;
  }

  /** An update that failed half-way may have left something behind: the log has not. Never rejects. */
  async #mend(): Promise<void> {
    const since: Uint8Array[] = this.#mending = this.writer.waiting;
    try {
      const fresh = new Y.Doc();
      await applyAll(fresh, await this.log.read(), this);
      fresh.transact(() => since.forEach((update) => Y.applyUpdate(fresh, update)), this);
      this.#doc.destroy();
      this.#doc = fresh;
      this.#follow(fresh);
    } catch (thrown) {
      this.#parts.logger.warn("document not read anew", { error: errorText(thrown) });
    }
    this.#mending = undefined;
  }

  #received(text: string): void {
    // Most of what is said of a document is said by those who have it here.
    if (isFrom(this.#parts.instanceId, text)) return;
    const change = readMessage(text)?.change;
    if (!change) return;
    if (change.kind === "log") return this.#catchUp();
    if (change.kind === "unsaved") return this.saver.edited();
    if (change.kind === "update") {
      const update = toBytes(change.update);
      if (!this.#apply(update)) return;
      this.#parts.audience.update([...this.members.values()], change.by, update);
    } else if (change.kind === "awareness") {
      try {
        const { entries } = readAwareness(toBytes(change.update));
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
    const { bus, instanceId } = this.#parts;
    if (bus.isHeard?.(this.ref.key) === false) return;
    const change = of();
    bus.publish(this.ref.key, writeMessage(instanceId, change)).catch((thrown) => {
      this.#parts.logger.warn("document change not sent", { error: errorText(thrown) });
      if (change.kind === "update" || change.kind === "log") void this.#scheduleResync();
    });
  }

  /** The others have missed an update: they are told to read the log as soon as they can be. Never rejects. */
  async #scheduleResync(): Promise<void> {
    if (this.#owesResync) return;
    this.#owesResync = true;
    const { bus, instanceId } = this.#parts;
    for (let waitMs = 100; !this.#stop.signal.aborted; waitMs = backOff(waitMs)) {
      await pause(waitMs, this.#stop.signal);
      this.#owesResync = false;
      try {
        return await bus.publish(this.ref.key, writeMessage(instanceId, { kind: "log" }));
      } catch {
        this.#owesResync = true;
      }
    }
  }

  /** Reads the log in the background, once more if asked for meanwhile. */
  #catchUp(): void {
    this.#readAgain = true;
    this.#reading ??= this.#keepReading();
  }

  async #keepReading(): Promise<void> {
    let waitMs = 0;
    await Promise.resolve();
    while (this.#readAgain && !this.#stop.signal.aborted) {
      this.#readAgain = false;
      try {
        await this.refresh();
      } catch (thrown) {
        this.#parts.logger.warn("document log not read", { error: errorText(thrown) });
        this.#readAgain = true;
        waitMs = backOff(waitMs);
        await pause(waitMs, this.#stop.signal);
      }
    }
    this.#reading = undefined;
  }

  async #save(): Promise<void> {
    await this.#note.save(async () => {
      const users = await this.#parts.store.memberSet(keys.documentUsers(this.ref.key)).members();
      // Who edits alone has everything in memory.
      if (!users.every((sid) => this.members.has(sid) || this.leavers.has(sid))) {
        await this.refresh();
      }
      return this.#doc;
    });
  }
}

const present = (text: NoteSnapshot): NoteSnapshot =>
  Object.fromEntries(Object.entries(text).filter(([, value]) => value));

const personOf = ({ sid, userId, userName, userColor }: Person): Person => ({
  sid,
  userId,
  userName,
  ...(userColor === undefined ? {} : { userColor }),
});
