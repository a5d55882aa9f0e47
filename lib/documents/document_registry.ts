import { errorText } from "../common/errors.ts";
import { backOff, pause } from "../common/pause.ts";
import { keys } from "../state/key_space.ts";
import { type DocumentRef, parseDocumentId } from "./document_id.ts";
import { acquireSoon, type DocumentParts } from "./document_parts.ts";
import { OpenDocument } from "./open_document.ts";
import type { Member } from "./members.ts";

const SESSION_SET_TTL_MS = 7 * 24 * 3_600_000;

/**
 * The documents in memory here: opened once however many ask, let go when nobody edits them, and
 * cleared by the last one out of all instances, once its text has reached the note.
 *
 * Per document, joining, leaving and letting go take turns; opening and clearing also take turns
 * with the other instances, by a lock. A socket stands in the shared set of users before the log
 * is read and until all that it wrote is in the log, so nobody clears a log that somebody uses.
 */
export class DocumentRegistry {
  readonly #parts: DocumentParts;
  readonly #documents = new Map<string, OpenDocument>();
  readonly #turns = new Map<string, Promise<unknown>>();
  readonly #settling = new Map<OpenDocument, Promise<void>>();
  readonly #stop = new AbortController();

  constructor(parts: DocumentParts) {
    this.#parts = parts;
  }

  get(key: string): OpenDocument | undefined {
    return this.#documents.get(key);
  }

  all(): OpenDocument[] {
    return [...this.#documents.values()];
  }

  /** The sockets that edit the document, on all instances. */
  users(key: string): Promise<string[]> {
    return this.#users(key).members();
  }

  /**
   * Lets the socket in. While others edit the document here, it need not wait for its own place in the
   * shared set: they stand there until their next turn, and keep the log. `onFailure` hears when it
   * could not be written after all.
   */
  join(
    ref: DocumentRef,
    member: Member,
    onFailure: (thrown: unknown) => void,
  ): Promise<OpenDocument> {
    const joined = Promise.withResolvers<OpenDocument>();
    this.#turn(ref.key, async () => {
      const there = this.#documents.get(ref.key);
      const isKept = there !== undefined && there.members.size > 0;
      const letIn = (document: OpenDocument) => {
        document.leavers.delete(member.sid);
        document.members.set(member.sid, member);
        joined.resolve(document);
      };
      if (isKept) letIn(there);
      try {
        if (there) await this.#enter(ref.key, member.sid);
      } catch (thrown) {
        if (!isKept) throw thrown;
        return onFailure(thrown);
      }
      if (!isKept) letIn(there ?? await this.#open(ref, member.sid));
    }).catch(joined.reject);
    return joined.promise;
  }

  leave(key: string, sid: string): void {
    const document = this.#documents.get(key);
    const member = document?.members.get(sid);
    if (!document || !member) return;
    document.members.delete(sid);
    document.leavers.add(sid);
    document.announce("left", member);
    this.#settleSoon(document);
  }

  /**
   * Does something in the document if it is open on any instance, and returns it; else does `closed`
   * while nobody can open it.
   */
  visit(
    ref: DocumentRef,
    { open, closed }: { open(document: OpenDocument): Promise<void>; closed(): Promise<void> },
  ): Promise<OpenDocument | undefined> {
    return this.#turn(ref.key, async () => {
      const { store } = this.#parts;
      const there = this.#documents.get(ref.key);
      if (!there) {
        await using _lock = await acquireSoon(store, keys.documentLock(ref.key));
        const [length, users] = await Promise.all([
          store.updateLog(keys.documentUpdates(ref.key)).length(),
          this.users(ref.key),
        ]);
        // The log of a note without a text is empty while it is open.
        if (length === 0 && users.length === 0) {
          await closed();
          return undefined;
        }
      }
      const document = there ?? await this.#open(ref);
      try {
        await open(document);
      } finally {
        void this.#settleSoon(document);
      }
      return document;
    });
  }

  /** Takes out a socket whose instance died; closes the document if it was the last. */
  async reap(key: string, sid: string): Promise<void> {
    const { left } = await this.#users(key).remove(sid);
    if (left === 0) await this.closeAbandoned(key);
  }

  /** Resolves when everything that is to be saved and let go has been. */
  async settled(): Promise<void> {
    while (this.#settling.size > 0) await Promise.all(this.#settling.values());
  }

  async dispose(): Promise<void> {
    this.#stop.abort();
    const all = this.all();
    this.#documents.clear();
    await Promise.all(all.map((document) => document.dispose()));
    await this.settled();
  }

  #users(key: string) {
    return this.#parts.store.memberSet(keys.documentUsers(key));
  }

  #turn<T>(key: string, work: () => Promise<T>): Promise<T> {
    const mine = (this.#turns.get(key) ?? Promise.resolve()).then(work, work);
    const done = mine.then(() => {}, () => {}).then(() => {
      if (this.#turns.get(key) === done) this.#turns.delete(key);
    });
    this.#turns.set(key, done);
    return mine;
  }

  async #enter(key: string, sid: string): Promise<void> {
    // Most sessions open one document: what is not there need not be looked for.
    const options = { ttlMs: SESSION_SET_TTL_MS, isWrittenOnce: true };
    const documents = this.#parts.store.memberSet(keys.sessionDocuments(sid), options);
    await Promise.all([this.#users(key).add(sid), documents.add(key)]);
  }

  /** Within a turn. Under the document's lock, and with the socket in the set of users before the log is read. */
  async #open(ref: DocumentRef, sid?: string): Promise<OpenDocument> {
    const { store, logger } = this.#parts;
    await using _lock = await acquireSoon(store, keys.documentLock(ref.key));
    const document = new OpenDocument(ref, this.#parts);
    try {
      await store.dictionary<number>(keys.openDocuments).set(ref.key, Date.now());
      if (sid !== undefined) await this.#enter(ref.key, sid);
      await document.open();
    } catch (thrown) {
      await document.dispose();
      await this.#withdraw(document, sid).catch((failure) => {
        logger.warn("document left to the sweep", { error: errorText(failure) });
      });
      throw thrown;
    }
    this.#documents.set(ref.key, document);
    return document;
  }

  /** Takes back what an opening that failed has written. */
  async #withdraw({ ref, log }: OpenDocument, sid?: string): Promise<void> {
    const { store } = this.#parts;
    if (sid !== undefined) await store.memberSet(keys.sessionDocuments(sid)).remove(ref.key);
    const { left } = await this.#users(ref.key).remove(...sid === undefined ? [] : [sid]);
    if (left > 0 || await log.length() > 0) return;
    await store.dictionary(keys.openDocuments).delete(ref.key);
  }

  /** Saves and clears a document that nobody edits any more. */
  async closeAbandoned(key: string): Promise<void> {
    const ref = parseDocumentId(key);
    const document = await this.#turn(key, async () => {
      const there = this.#documents.get(key);
      const log = this.#parts.store.updateLog(keys.documentUpdates(key));
      if (there || await log.length() > 0) return there ?? await this.#open(ref);
      await using _lock = await acquireSoon(this.#parts.store, keys.documentLock(key));
      const isInUse = (await this.users(key)).length > 0 || await log.length() > 0;
      if (!isInUse) await this.#parts.store.dictionary(keys.openDocuments).delete(key);
      return undefined;
    });
    if (document?.members.size === 0) await this.#settleSoon(document);
  }

  /** Never rejects. */
  #settleSoon(document: OpenDocument): Promise<void> {
    const running = this.#settling.get(document);
    if (running) return running;
    const settling = this.#settle(document);
    this.#settling.set(document, settling);
    return settling;
  }

  /** Saves and lets go of a document without members, however many tries that takes. */
  async #settle(document: OpenDocument): Promise<void> {
    let waitMs = 0;
    await Promise.resolve();
    while (!this.#stop.signal.aborted) {
      try {
        if (document.members.size === 0) {
          await document.idle();
          await document.saver.whenClean();
        }
        const isDone = await this.#turn(document.ref.key, () => this.#letGo(document));
        // Who left since the turn was taken would find this still running: it goes on for them.
        const isGone = this.#documents.get(document.ref.key) !== document;
        if (isDone && (isGone || document.leavers.size === 0)) break;
        waitMs = 0;
      } catch (thrown) {
        this.#parts.logger.warn("document not closed yet", { error: errorText(thrown) });
        await pause(waitMs = backOff(waitMs), this.#stop.signal);
      }
    }
    this.#settling.delete(document);
  }

  /** Within a turn. `false`: something came in between, try again. */
  async #letGo(document: OpenDocument): Promise<boolean> {
    const { key } = document.ref;
    if (this.#documents.get(key) !== document) return true;
    const leavers = [...document.leavers];
    if (document.members.size > 0 && leavers.length === 0) return true;
    for (const sid of leavers) {
      await this.#parts.store.memberSet(keys.sessionDocuments(sid)).remove(key);
    }
    if (document.members.size > 0) {
      await this.#users(key).remove(...leavers);
      leavers.forEach((sid) => document.leavers.delete(sid));
      return true;
    }
    // The last one may have left while the others were taken out: then everybody is, in the next turn.
    if (document.leavers.size > leavers.length) return false;
    if (document.saver.isDirty || document.isBusy) return false;
    await using lock = await acquireSoon(this.#parts.store, keys.documentLock(key));
    const { left } = await this.#users(key).remove(...leavers);
    leavers.forEach((sid) => document.leavers.delete(sid));
    if (left === 0 && !(await this.#clear(document, () => lock.renew()))) return false;
    this.#documents.delete(key);
    await document.dispose();
    return true;
  }

  /** Nobody edits the document anywhere: what the log says must be in the note before the log goes. */
  async #clear(document: OpenDocument, isOurs: () => Promise<boolean>): Promise<boolean> {
    const { store } = this.#parts;
    await document.refresh();
    if (await document.isUnsaved()) {
      document.saver.edited();
      await document.saver.flush();
    }
    if (!(await isOurs())) return false;
    await document.log.clear();
    await this.#users(document.ref.key).clear();
    await store.dictionary(keys.openDocuments).delete(document.ref.key);
    return true;
  }
}
