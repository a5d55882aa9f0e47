import * as Y from "yjs";
import { AppError } from "../common/errors.ts";
import type { DocumentParts } from "./document_parts.ts";
import { MAX_TYPE_DEPTH, type WeighedDoc, weightOf } from "./weighed_doc.ts";
import { scanUpdate, type UpdateSize } from "./update_scan.ts";
import { checkUpdate } from "./yjs_state.ts";

/** Items in one update: about a hundred pages at once. */
const MAX_STRUCTS_OF_AN_UPDATE = 50_000;
/**
 * Yjs looks at no more than all items of a document to find the place of one, so that an update takes
 * as many steps as its items times those there are: some 50 ns each. Up to so many it is applied at once.
 */
const MAX_STEPS_AT_ONCE = 500_000;
/** What it takes to delete an item, and how many places in a list are moved by one in a step's time. */
const STEPS_A_DELETED = 4;
const MOVED_A_STEP = 32;
/** Steps of all updates since somebody has measured what they took. */
const MAX_STEPS_UNMEASURED = 10_000_000;
/** What waits in a document for updates that nobody has sent is gone through with each one that comes. */
const MAX_PENDING_BYTES = 256 * 1024;

type UpdateGuardParts = Pick<DocumentParts, "digester" | "maxDocumentBytes" | "maxDocumentWeight">;

/**
 * Who gets into a document: decided for each update before it is in memory, in the log, or anywhere
 * else. A keystroke is counted and let in; what might be costly is tried on a copy first, in a
 * thread that may die of it.
 */
export class UpdateGuard {
  readonly #parts: UpdateGuardParts;
  #steps = 0;
  /** An upper bound of the state's bytes. */
  #bytes = 0;

  constructor(parts: UpdateGuardParts) {
    this.#parts = parts;
  }

  /** About what the document takes in memory. */
  weight(doc: WeighedDoc): number {
    return doc.weight(this.#bytes);
  }

  /** The document was read with so many bytes, and what that takes was measured. */
  measured(bytes: number): void {
    this.#bytes = bytes;
    this.#steps = 0;
  }

  /** The update is in the document. */
  taken(update: Uint8Array): void {
    this.#bytes += update.length;
  }

  /**
   * Whether the update may be applied: at once (`undefined`), or once the promise has resolved, with the
   * milliseconds that it took to find out.
   *
   * @throws {AppError} `invalid_payload`, `too_large`, here or by the promise
   */
  check(doc: WeighedDoc, update: Uint8Array): Promise<number> | undefined {
    const size = scanUpdate(update);
    if (size.structs > MAX_STRUCTS_OF_AN_UPDATE) {
      throw new AppError("too_large", `update: at most ${MAX_STRUCTS_OF_AN_UPDATE} items at once.`);
    }
    // Text and deletions are sound when they can be counted: Yjs reads what else there may be.
    if (size.types + size.values > 0) checkUpdate(update);
    this.#checkRoom(doc, size);
    const there = doc.structs;
    const steps = stepsOf(size, there);
    this.#steps += steps;
    const isCheap = steps <= MAX_STEPS_AT_ONCE && this.#steps <= MAX_STEPS_UNMEASURED &&
      doc.depth + size.types <= MAX_TYPE_DEPTH && pendingBytes(doc) <= MAX_PENDING_BYTES;
    return isCheap ? undefined : this.#try(doc, update, steps <= MAX_STEPS_AT_ONCE);
  }

  /** What of that which anybody has put into the log may be applied. */
  async takenOf(doc: WeighedDoc, updates: readonly Uint8Array[]): Promise<Uint8Array[]> {
    const taken: Uint8Array[] = [];
    for (const update of updates) if (await this.#takesLogged(doc, update)) taken.push(update);
    return taken;
  }

  async #takesLogged(doc: WeighedDoc, update: Uint8Array): Promise<boolean> {
    try {
      const steps = stepsOf(scanUpdate(update), doc.structs);
      if (steps > MAX_STEPS_AT_ONCE && !isKnown(doc, update)) await this.#try(doc, update);
      return true;
    } catch (thrown) {
      if (thrown instanceof AppError && thrown.code !== "unavailable") return false;
      throw thrown;
    }
  }

  async #try(doc: WeighedDoc, update: Uint8Array, isLittle = false): Promise<number> {
    const written = doc.written();
    this.#steps = 0;
    this.#bytes = written.state.length + (written.since?.length ?? 0);
    const trial = { ...written, update, isLittle };
    const { depth, tookMs } = await this.#parts.digester.run("trial", trial);
    doc.depth = depth;
    return tookMs;
  }

  #checkRoom(doc: WeighedDoc, { bytes, structs, values }: UpdateSize): void {
    const { maxDocumentBytes, maxDocumentWeight } = this.#parts;
    const added = weightOf(structs + values / 4, bytes);
    const isFull = () =>
      this.#bytes + bytes > maxDocumentBytes || this.weight(doc) + added > maxDocumentWeight;
    // What is counted is an upper bound: only near the limit it is worth its time to look.
    if (isFull()) this.#bytes = Y.encodeStateAsUpdate(doc).length;
    if (isFull()) {
      throw new AppError(
        "too_large",
        `A document takes at most ${maxDocumentBytes} bytes, and ${maxDocumentWeight} in memory.`,
      );
    }
  }
}

/** How many steps the update may take in a document of so many items. */
function stepsOf({ structs, deletions, deleted }: UpdateSize, there: number): number {
  const all = there + structs;
  // A run is found by its number; then its items are gone through, and those behind it move up.
  const deleting = Math.min(deleted, deletions * all) * STEPS_A_DELETED +
    deletions * all / MOVED_A_STEP;
  return structs * all + deleting;
}

function pendingBytes({ store: { pendingStructs, pendingDs } }: WeighedDoc): number {
  return (pendingStructs?.update.length ?? 0) + (pendingDs?.length ?? 0);
}

/** Whether all items of the update are in the document. */
function isKnown({ store }: WeighedDoc, update: Uint8Array): boolean {
  const { to } = Y.parseUpdateMeta(update);
  return [...to].every(([client, clock]) => Y.getState(store, client) >= clock);
}

/** Whether these updates together are applied in a moment, whatever they are. */
export function isLittle(updates: readonly Uint8Array[]): boolean {
  let bytes = 0;
  for (const { length } of updates) bytes += length;
  // An item takes five bytes or more.
  return (bytes / 5) ** 2 <= MAX_STEPS_AT_ONCE;
}
