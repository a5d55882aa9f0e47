/** The few things that are done with Yjs' binary forms. */
import { createHash } from "node:crypto";
import * as Y from "yjs";
import { AppError } from "../common/errors.ts";
import { Turns } from "../common/turns.ts";
import type { JsonNode } from "../note_schema/json_node.ts";
import { FRAGMENT } from "../note_schema/yjs_content.ts";
import type { MeasuredState, WrittenState } from "./remembered_state.ts";
import { replaceContent } from "./replace_content.ts";
import { refusalOf, WeighedDoc } from "./weighed_doc.ts";

/** Updates that are one transaction at the most. */
const UPDATES_A_TURN = 2_000;
/**
 * What is applied is there to stay: the collection of young garbage that it ends in copies up to 16 MB of
 * it, 20 to 40 ms, and a turn comes on top.
 */
const APPLYING_TURN_MS = 4;
/** Items that are written in some milliseconds. */
const MANY_STRUCTS = 5_000;

/**
 * Applies the updates in transactions that never hold the event loop for long. What is harmful is left
 * out: one of them must not take the document from everybody.
 */
export async function applyAll(
  doc: Y.Doc,
  updates: readonly Uint8Array[],
  origin: unknown,
  apply = (update: Uint8Array) => Y.applyUpdate(doc, update, origin),
): Promise<void> {
  const turns = new Turns(APPLYING_TURN_MS);
  for (let at = 0; at < updates.length;) {
    if (turns.isOver) await turns.next();
    const end = Math.min(updates.length, at + UPDATES_A_TURN);
    doc.transact(() => {
      do {
        try {
          apply(updates[at++] as Uint8Array);
        } catch {
          // Others' updates are in the document all the same.
        }
      } while (at < end && !turns.isOver);
    }, origin);
  }
}

/**
 * The updates as one. Through a document, because merging many small updates pairwise takes time
 * with their square; what waits for updates not seen yet is kept.
 */
export function mergeThroughDocument(updates: readonly Uint8Array[]): Uint8Array {
  const doc = new WeighedDoc();
  doc.transact(() => updates.forEach((update) => refusalOf(doc, update)));
  const merged = Y.encodeStateAsUpdate(doc);
  doc.destroy();
  return merged;
}

/** @throws {AppError} `invalid_payload` for bytes that are no update. */
export function checkUpdate(update: Uint8Array): void {
  try {
    Y.decodeUpdate(update);
  } catch {
    throw new AppError("invalid_payload", "update: these bytes are no document update.");
  }
}

/** Applies a state in its pieces, and remembers that it is written already. */
export async function applyPieces(
  doc: WeighedDoc,
  { pieces, ...written }: MeasuredState & { pieces: readonly Uint8Array[] },
  origin: unknown,
): Promise<void> {
  const { taken } = doc;
  const turns = new Turns(APPLYING_TURN_MS);
  let isWhole = true;
  for (const piece of pieces) {
    if (turns.isOver) await turns.next();
    // Each is a transaction of its own, for what Yjs does at the end of one takes time, too.
    if (refusalOf(doc, piece, origin) !== undefined) isWhole = false;
  }
  if (isWhole) doc.isWrittenAs(written, doc.taken === taken);
}

/** What the holder of the state vector is missing. @throws {AppError} `invalid_payload` */
export function missingFrom(doc: WeighedDoc, stateVector: Uint8Array | undefined): WrittenState {
  const hasNothing = !stateVector || (stateVector.length === 1 && stateVector[0] === 0);
  if (hasNothing) return doc.written();
  try {
    // Who has little of a large document is sent what is written, and knows some of it already.
    if (doc.isLarge && structsAfter(doc, stateVector) > MANY_STRUCTS) return doc.written();
    return { state: Y.encodeStateAsUpdate(doc, stateVector) };
  } catch {
    throw new AppError("invalid_payload", "state_vector: these bytes are no state vector.");
  }
}

/** How many items the holder of the state vector is missing. */
function structsAfter({ store }: WeighedDoc, stateVector: Uint8Array): number {
  const has = Y.decodeStateVector(stateVector);
  let count = 0;
  for (const [client, structs] of store.clients) {
    const clock = has.get(client) ?? 0;
    if (clock < Y.getState(store, client)) count += structs.length - Y.findIndexSS(structs, clock);
  }
  return count;
}

/** Both as one update. */
export const wholeOf = ({ state, since }: WrittenState): Uint8Array =>
  since ? Y.mergeUpdates([state, ...since]) : state;

/** Whether the transaction has changed its document. */
export function isChange({ deleteSet, beforeState, afterState }: Y.Transaction): boolean {
  if (deleteSet.clients.size > 0) return true;
  for (const [client, clock] of afterState) if (beforeState.get(client) !== clock) return true;
  return false;
}

/** Whether the document waits for updates that it has not seen. */
export const isIncomplete = (doc: Y.Doc): boolean =>
  doc.store.pendingStructs !== null || doc.store.pendingDs !== null;

/**
 * Writes the content into the empty document so that the same content is the same update wherever
 * it is made: two instances that seed at once make one text, not two.
 */
export function seed(doc: Y.Doc, content: JsonNode): void {
  const clientId = doc.clientID;
  const digest = createHash("sha256").update(JSON.stringify(content)).digest();
  doc.clientID = digest.readUInt32BE(0);
  doc.transact(() => replaceContent(doc.getXmlFragment(FRAGMENT), content));
  doc.clientID = clientId;
}
