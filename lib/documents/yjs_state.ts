/** The few things that are done with Yjs' binary forms. */
import { createHash } from "node:crypto";
import * as Y from "yjs";
import { AppError } from "../common/errors.ts";
import { Turns } from "../common/turns.ts";
import type { JsonNode } from "../note_schema/json_node.ts";
import { FRAGMENT } from "../note_schema/yjs_content.ts";
import { refusalOf, WeighedDoc, type WrittenState } from "./weighed_doc.ts";
import { replaceContent } from "./replace_content.ts";

/** Updates that are one transaction at the most. */
const UPDATES_A_TURN = 2_000;

/**
 * Applies the updates in transactions that never hold the event loop for long. Returns how many
 * were left out as harmful: one of them must not take the document from everybody.
 */
export async function applyAll(
  doc: Y.Doc,
  updates: readonly Uint8Array[],
  origin: unknown,
): Promise<number> {
  let refused = 0;
  const turns = new Turns();
  for (let at = 0; at < updates.length;) {
    if (turns.isOver) await turns.next();
    const end = Math.min(updates.length, at + UPDATES_A_TURN);
    doc.transact(() => {
      do {
        if (refusalOf(doc, updates[at++] as Uint8Array, origin) !== undefined) refused++;
      } while (at < end && !turns.isOver);
    }, origin);
  }
  return refused;
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

/** Applies a state in its pieces, and remembers that it is written already, where nothing came between. */
export async function applyPieces(
  doc: WeighedDoc,
  { state, pieces }: { state: Uint8Array; pieces: readonly Uint8Array[] },
  origin: unknown,
): Promise<void> {
  const { taken } = doc;
  await applyAll(doc, pieces, origin);
  if (doc.taken === taken) doc.isWrittenAs(state);
}

/** What the holder of the state vector is missing. @throws {AppError} `invalid_payload` */
export function missingFrom(doc: WeighedDoc, stateVector: Uint8Array | undefined): WrittenState {
  const hasNothing = !stateVector || (stateVector.length === 1 && stateVector[0] === 0);
  if (hasNothing) return doc.written();
  try {
    return { state: Y.encodeStateAsUpdate(doc, stateVector) };
  } catch {
    throw new AppError("invalid_payload", "state_vector: these bytes are no state vector.");
  }
}

/** Both as one update. */
export const wholeOf = ({ state, since }: WrittenState): Uint8Array =>
  since ? Y.mergeUpdates([state, since]) : state;

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
