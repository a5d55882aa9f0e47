import * as Y from "yjs";
import { AppError } from "../common/errors.ts";
import { keys } from "../state/key_space.ts";
import type { UpdateLog } from "../state/state_store.ts";
import type { DocumentRef } from "./document_id.ts";
import { acquireSoon, type DocumentParts } from "./document_parts.ts";
import type { JsonNode } from "../note_schema/json_node.ts";
import { contentOf, type NoteSnapshot } from "../note_schema/note_content.ts";
import { fingerprint, FRAGMENT, toJson } from "../note_schema/yjs_content.ts";
import { replaceContent } from "./replace_content.ts";
import { snapshotOf } from "./snapshot.ts";
import { seed } from "./yjs_state.ts";

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

  constructor(ref: DocumentRef, parts: DocumentParts, log: UpdateLog) {
    this.#ref = ref;
    this.#parts = parts;
    this.#log = log;
  }

  /** Begins an empty log with the note's text. @throws {AppError} `not_found` without a note */
  async begin(doc: Y.Doc): Promise<void> {
    const note = await this.#parts.content.load(this.#ref.noteId);
    if (!note) throw new AppError("not_found", "There is no such note.");
    const content = contentOf(note);
    const kept = await this.#keptState();
    if (kept) Y.applyUpdate(doc, kept, this);
    const fragment = doc.getXmlFragment(FRAGMENT);
    const isKept = kept !== undefined && fragment.length > 0;
    const fits = isKept && fingerprint(toJson(fragment)) === fingerprint(content);
    if (isKept && !fits) doc.transact(() => replaceContent(fragment, content));
    if (!isKept && (content.content?.length ?? 0) > 0) seed(doc, content);
    this.#isEdited = false;
    if (!kept && fragment.length === 0) return;
    const state = Y.encodeStateAsUpdate(doc);
    await this.#log.append(state);
    if (isKept && !fits) await this.#keep(state);
  }

  /** Adds what the log has lost to a document that waits for it. */
  async complete(doc: Y.Doc): Promise<void> {
    const kept = await this.#keptState();
    if (!kept) return;
    Y.applyUpdate(doc, kept, this);
    await this.#log.append(kept);
  }

  /** The document has changed, whoever changed it. */
  changed(): void {
    this.#isEdited = true;
  }

  give(snapshot: NoteSnapshot): void {
    this.#given = snapshot;
  }

  /** The update that brings the change from the last saved text to `content` into the document. */
  async changeTo(doc: Y.Doc, content: JsonNode): Promise<Uint8Array | undefined> {
    const base = new Y.Doc();
    const known = await this.#keptState() ?? (await this.#log.read())[0];
    Y.applyUpdate(base, known ?? Y.encodeStateAsUpdate(doc));
    const changes: Uint8Array[] = [];
    base.on("update", (update: Uint8Array) => changes.push(update));
    base.transact(() => replaceContent(base.getXmlFragment(FRAGMENT), content));
    base.destroy();
    return changes[0];
  }

  /** Saves what `current` gives, one instance at a time. A note that is gone is not saved. */
  async save(current: () => Promise<Y.Doc>): Promise<void> {
    const { store, content, logger } = this.#parts;
    await using _lock = await acquireSoon(store, keys.documentSaveLock(this.#ref.key));
    const doc = await current();
    const snapshot = snapshotOf({
      json: toJson(doc.getXmlFragment(FRAGMENT)),
      given: this.#given,
      isEdited: this.#isEdited,
    });
    const state = Y.encodeStateAsUpdate(doc);
    try {
      await content.save(this.#ref.noteId, snapshot);
    } catch (thrown) {
      if (!(thrown instanceof AppError) || thrown.code !== "not_found") throw thrown;
      logger.info("note is gone, nothing saved", { note: this.#ref.noteId });
      return;
    }
    await this.#keep(state);
  }

  async differs(doc: Y.Doc): Promise<boolean> {
    const note = await this.#parts.content.load(this.#ref.noteId);
    if (!note || !this.#isEdited && this.#given === undefined && doc.store.clients.size === 0) {
      return false;
    }
    const fragment = doc.getXmlFragment(FRAGMENT);
    if (fragment.length === 0 && !this.#isEdited) return false;
    return fingerprint(toJson(fragment)) !== fingerprint(contentOf(note));
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
