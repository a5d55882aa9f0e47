import * as Y from "yjs";
import { AppError } from "../common/errors.ts";
import { Turns } from "../common/turns.ts";
import type { DocumentParts } from "./document_parts.ts";
import { bytesOf } from "./remembered_state.ts";
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
/** Steps of an update with what came while it was tried, and how often it is tried again for more. */
const MAX_STEPS_UNTRIED = 2_000_000;
const MAX_TRIES = 4;
/** What waits in a document for updates that nobody has sent is gone through with each one that comes. */
const MAX_PENDING_BYTES = 256 * 1024;
/** An entry of a log from here on is mostly a snapshot of what is there already. */
const LARGE_ENTRY_BYTES = 64 * 1024;

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
  taken(doc: WeighedDoc, update: Uint8Array): void {
    this.#bytes += update.length;
    if (doc.isBehind) void this.#renew(doc);
  }

  /** Has a large document written anew. Never rejects. */
  async #renew(doc: WeighedDoc): Promise<void> {
    const renewal = doc.renewal();
    if (!renewal) return;
    const { state, since = [] } = renewal;
    await this.#parts.digester.run("whole", { state, since })
      .then(renewal.isWrittenAs, renewal.fail);
  }

  /**
   * Whether the update may be applied at once (`undefined`), or is to be tried first: its size.
   *
   * @throws {AppError} `invalid_payload`, `too_large`
   */
  check(doc: WeighedDoc, update: Uint8Array): UpdateSize | undefined {
    const size = scanUpdate(update);
    if (size.structs > MAX_STRUCTS_OF_AN_UPDATE) {
      throw new AppError("too_large", `update: at most ${MAX_STRUCTS_OF_AN_UPDATE} items at once.`);
    }
    // Text and deletions are sound when they can be counted: Yjs reads what else there may be.
    if (size.types + size.values > 0) checkUpdate(update);
    const isFull = !this.#hasRoom(doc, size);
    const steps = stepsOf(size, doc.structs);
    this.#steps += steps;
    const isCheap = !isFull && steps <= MAX_STEPS_AT_ONCE && this.#steps <= MAX_STEPS_UNMEASURED &&
      doc.depth + size.types <= MAX_TYPE_DEPTH && pendingBytes(doc) <= MAX_PENDING_BYTES;
    return isCheap ? undefined : size;
  }

  /**
   * Tries an update of this size; resolves to the milliseconds that it took when it may be applied to
   * the document as it is then.
   *
   * @throws {AppError} `invalid_payload`, `too_large`; `unavailable` while the document changes faster
   * than it can be tried
   */
  async try(current: () => WeighedDoc, update: Uint8Array, size: UpdateSize): Promise<number> {
    let tookMs = 0;
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const doc = current();
      const isFull = !this.#hasRoom(doc, size);
      const there = doc.structs;
      const steps = stepsOf(size, there);
      tookMs += await this.#try(doc, update, !isFull && steps <= MAX_STEPS_AT_ONCE);
      if (isFull && this.#isFull(doc, size)) throw this.#full();
      // What others have brought meanwhile was not there when it was tried.
      const more = stepsOf(size, Math.max(there, current().structs)) - steps;
      if (more <= MAX_STEPS_UNTRIED) return tookMs;
    }
    throw new AppError("unavailable", "The document changes too fast: try again.", {
      retryAfterMs: 1_000,
    });
  }

  /** What of that which anybody has put into the log may be applied, and is not there. */
  async takenOf(doc: WeighedDoc, updates: readonly Uint8Array[]): Promise<Uint8Array[]> {
    const taken: Uint8Array[] = [];
    const turns = new Turns();
    for (const update of updates) {
      if (turns.isOver) await turns.next();
      const isLarge = update.length >= LARGE_ENTRY_BYTES;
      const isCheap = !isLarge && stepsOfAll(doc, [update]) <= MAX_STEPS_AT_ONCE;
      if (isCheap) taken.push(update);
      else taken.push(...await this.#takenOfCostly(doc, update, isLarge));
    }
    return taken;
  }

  async #takenOfCostly(doc: WeighedDoc, update: Uint8Array, isLarge: boolean) {
    try {
      const vector = Y.encodeStateVector(doc);
      const pieces = isLarge
        ? await this.#parts.digester.run("missing", { update, vector })
        : [update];
      const isCheap = stepsOfAll(doc, pieces) <= MAX_STEPS_AT_ONCE;
      if (!isCheap && !pieces.every((piece) => isKnown(doc, piece))) await this.#try(doc, update);
      return pieces;
    } catch (thrown) {
      if (thrown instanceof AppError && thrown.code !== "unavailable") return [];
      throw thrown;
    }
  }

  async #try(doc: WeighedDoc, update: Uint8Array, isLittle = false): Promise<number> {
    const { transactions } = doc;
    const written = doc.written();
    this.#steps = 0;
    this.#bytes = bytesOf(written);
    const trial = { ...written, update, isLittle };
    const { depth, tookMs, state, vector } = await this.#parts.digester.run("trial", trial);
    doc.depth = depth;
    if (state && vector) {
      // It is counted once it is taken.
      this.#bytes = Math.max(0, state.length - update.length);
      doc.isTried(update, { state, vector }, transactions);
    }
    return tookMs;
  }

  /**
   * What is counted is an upper bound: only near the limit it is worth its time to look. `false`: it
   * seems full, and is large, so that a trial is to tell.
   *
   * @throws {AppError} `too_large`
   */
  #hasRoom(doc: WeighedDoc, size: UpdateSize): boolean {
    if (!this.#isFull(doc, size)) return true;
    if (doc.isLarge) return false;
    this.#bytes = bytesOf(doc.written());
    if (this.#isFull(doc, size)) throw this.#full();
    return true;
  }

  #isFull(doc: WeighedDoc, { bytes, structs, values }: UpdateSize): boolean {
    const { maxDocumentBytes, maxDocumentWeight } = this.#parts;
    const added = weightOf(structs + values / 4, bytes);
    return this.#bytes + bytes > maxDocumentBytes || this.weight(doc) + added > maxDocumentWeight;
  }

  #full(): AppError {
    const { maxDocumentBytes, maxDocumentWeight } = this.#parts;
    return new AppError(
      "too_large",
      `A document takes at most ${maxDocumentBytes} bytes, and ${maxDocumentWeight} in memory.`,
    );
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

/** The same of updates, one of which may be none: `Infinity`. */
function stepsOfAll(doc: WeighedDoc, updates: readonly Uint8Array[]): number {
  const there = doc.structs;
  try {
    return updates.reduce((sum, update) => sum + stepsOf(scanUpdate(update), there), 0);
  } catch {
    return Infinity;
  }
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
