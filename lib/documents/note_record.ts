import type * as Y from "yjs";
import { AppError } from "../common/errors.ts";
import { keys } from "../state/key_space.ts";
import type { UpdateLog } from "../state/state_store.ts";
import type { DocumentRef } from "./document_id.ts";
import { acquireSoon, type DocumentParts } from "./document_parts.ts";
import type { NoteSnapshot } from "../note_schema/note_content.ts";
import { FRAGMENT } from "../note_schema/yjs_content.ts";
import { contentIn, type Output } from "./digests.ts";
import { snapshotOf } from "./snapshot.ts";
import { bytesOf, type Renewal, type WrittenState } from "./remembered_state.ts";
import { isLittle } from "./update_guard.ts";
import type { WeighedDoc } from "./weighed_doc.ts";
import { applyPieces } from "./yjs_state.ts";

/**
 * Between a document and its note: how the one begins with the other's text, and is saved to it.
 *
 * The Yjs state of the last save is kept beside the note for some time. With it an editor that
 * comes back with its own copy fits the document again instead of doubling its text, and a text
 * that was written past the editors can be told apart from what they have written since.
 */
export class NoteRecord {
  readonly #ref: DocumentRef;
  readonly #parts: DocumentParts;
  readonly #log: UpdateLog;
  #given: NoteSnapshot | undefined;
  #isEdited = false;
  /** About what the text took when it was last saved. */
  #textBytes = Infinity;
  /** The bytes of the updates since: the text has grown by no more. */
  #grownBytes = 0;

  constructor(ref: DocumentRef, parts: DocumentParts, log: UpdateLog) {
    this.#ref = ref;
    this.#parts = parts;
    this.#log = log;
  }

  /**
   * Begins an empty log with the note's text, and returns what the log holds then.
   *
   * @throws {AppError} `not_found` without a note
   */
  async begin(doc: WeighedDoc): Promise<Uint8Array[]> {
    const note = await this.#parts.content.load(this.#ref.noteId);
    if (!note) throw new AppError("not_found", "There is no such note.");
    const kept = await this.#keptState();
    const begun = await this.#parts.digester.run("begin", { note, kept });
    this.#isEdited = false;
    if (!begun) return [];
    await applyPieces(doc, begun, this);
    this.#isEdited = false;
    await this.#log.append(begun.state);
    if (begun.isRenewed) await this.#keep(begun.state);
    return [begun.state];
  }

  /** Adds what the log has lost to a document that waits for it. */
  async complete(doc: WeighedDoc): Promise<void> {
    const kept = await this.#keptState();
    if (!kept) return;
    if (isLittle([kept])) doc.take(kept, this);
    else {
      const { state, since = [] } = doc.written();
      await applyPieces(doc, await this.#parts.digester.log([state, ...since, kept]), this);
    }
    await this.#log.append(kept);
  }

  /** An update of so many bytes has been applied. */
  grew(bytes: number): void {
    this.#grownBytes += bytes;
  }

  /** Somebody has changed the document since it was opened. */
  get isEdited(): boolean {
    return this.#isEdited;
  }

  /** The document has changed, whoever changed it. */
  changed(): void {
    this.#isEdited = true;
  }

  give(snapshot: NoteSnapshot): void {
    this.#given = snapshot;
  }

  /** The text as JSON, and the update that brings its change from the last saved text into the document. */
  async changeTo(doc: WeighedDoc, text: NoteSnapshot): Promise<Output<"change">> {
    const state = await this.#knownState();
    return await this.#parts.digester.run("change", { ...state ? { state } : doc.written(), text });
  }

  /** The state of the last saved text: not while an instance has stored the one and not yet the other. */
  async #knownState(): Promise<Uint8Array | undefined> {
    const { store, topics } = this.#parts;
    await using _lock = topics.isHeard()
      ? await acquireSoon(store, keys.documentSaveLock(this.#ref.key))
      : undefined;
    return await this.#keptState() ?? (await this.#log.read())[0];
  }

  /**
   * Saves what `current` gives, one instance at a time; who is the only one needs no lock for that. A
   * note that is gone is not saved. Returns about how many bytes were written.
   */
  async save(current: () => Promise<WeighedDoc>): Promise<number> {
    const { store, topics } = this.#parts;
    const bytes = topics.isHeard() ? 0 : await this.#saveNow(current);
    // An instance that has come meanwhile may have saved what was new, and this what was old.
    if (!topics.isHeard()) return bytes;
    await using _lock = await acquireSoon(store, keys.documentSaveLock(this.#ref.key));
    return bytes + await this.#saveNow(current);
  }

  async #saveNow(current: () => Promise<WeighedDoc>): Promise<number> {
    const { content, logger } = this.#parts;
    const doc = await current();
    const renewal = doc.renewal();
    const written = renewal ? await this.#renewed(doc, renewal) : doc.written();
    const { state } = written;
    const snapshot = "snapshot" in written ? written.snapshot : await this.#snapshot(doc, written);
    try {
      await content.save(this.#ref.noteId, snapshot);
    } catch (thrown) {
      if (!(thrown instanceof AppError) || thrown.code !== "not_found") throw thrown;
      logger.info("note is gone, nothing saved", { note: this.#ref.noteId });
      return 0;
    }
    await this.#keep(state);
    return state.length;
  }

  /** What a large document says, and its state, written anew beside the event loop. */
  async #renewed(doc: WeighedDoc, renewal: Renewal) {
    const { state: before, since = [] } = renewal;
    try {
      const { state: made, ...snapshot } = await this.#snapshot(doc, { state: before, since });
      const state = made ?? await this.#parts.digester.run("whole", { state: before, since });
      renewal.isWrittenAs(state);
      return { state, snapshot };
    } catch (thrown) {
      renewal.fail();
      throw thrown;
    }
  }

  /**
   * A small text is read where it is, however long its history: to make another document of the
   * state takes most of the time.
   */
  async #snapshot(doc: Y.Doc, written: WrittenState): Promise<Output<"snapshot">> {
    const { digester } = this.#parts;
    const said = { given: this.#given, isEdited: this.#isEdited };
    const grown = this.#grownBytes;
    const textBytes = Math.min(bytesOf(written), this.#textBytes + grown);
    const snapshot = digester.isQuick(said, textBytes)
      ? snapshotOf({ json: contentIn(doc), ...said })
      : await digester.run("snapshot", { ...written, ...said });
    this.#textBytes = digester.sizeOf(snapshot.json);
    this.#grownBytes -= grown;
    return snapshot;
  }

  async differs(doc: WeighedDoc): Promise<boolean> {
    const note = await this.#parts.content.load(this.#ref.noteId);
    if (!note || !this.#isEdited && this.#given === undefined && doc.store.clients.size === 0) {
      return false;
    }
    const fragment = doc.getXmlFragment(FRAGMENT);
    if (fragment.length === 0 && !this.#isEdited) return false;
    return await this.#parts.digester.run("differs", { ...doc.written(), note });
  }

  async #keptState(): Promise<Uint8Array | undefined> {
    const kept = await this.#parts.store.values.get<string>(keys.documentState(this.#ref.key));
    return kept === undefined ? undefined : Uint8Array.fromBase64(kept);
  }

  async #keep(state: Uint8Array): Promise<void> {
    const { store, retainMs } = this.#parts;
    await store.values.set(keys.documentState(this.#ref.key), state.toBase64(), {
      ttlMs: retainMs,
    });
  }
}
