/**
 * Work on what others wrote, as functions of bytes and JSON alone: small work is done at once, the
 * rest by a thread that may die of it ({@linkcode Digester}).
 */
import * as Y from "yjs";
import { AppError } from "../common/errors.ts";
import { spentMs } from "../common/spent_time.ts";
import { toHtml } from "../note_schema/html_writer.ts";
import type { JsonNode } from "../note_schema/json_node.ts";
import { contentOf, type NoteSnapshot } from "../note_schema/note_content.ts";
import { fingerprint, FRAGMENT, toJson } from "../note_schema/yjs_content.ts";
import type { MeasuredState, WrittenState } from "./remembered_state.ts";
import { MAX_TYPE_DEPTH, refusalOf, WeighedDoc } from "./weighed_doc.ts";
import { replaceContent } from "./replace_content.ts";
import { snapshotOf } from "./snapshot.ts";
import { piecesOf } from "./update_pieces.ts";
import { scanUpdate } from "./update_scan.ts";
import { mergeThroughDocument, seed } from "./yjs_state.ts";

/** To apply all of a document, which holds up everybody wherever it is opened. */
const MAX_DOCUMENT_MS = 400;
/** Whether one update may be slow is asked from so many items on. */
const LARGE_STRUCTS = 100;
/** The same for what is in a log already, and an update of it. */
const MAX_LOGGED_MS = 1_200;

/** What a log says: all that was taken, as one update. */
export interface LogDigest extends MeasuredState {
  /** The same, for who applies it beside others' work. */
  pieces: Uint8Array[];
  /** Which updates were harmful, and are not in it. */
  refused: number[];
}

/** What the trial of an update has shown. */
export interface Trial extends Partial<MeasuredState> {
  depth: number;
  tookMs: number;
}

type Tell = (at: number) => void;

export const digests = {
  /**
   * Applies the update to a copy; returns how deep its types are ({@linkcode WeighedDoc.depth}), and
   * what that took of this thread. Of one that is little, what counts is the document that there is.
   *
   * @throws {AppError} `invalid_payload`, `too_large`
   */
  trial({ state, since = [], update, isLittle = false }: WrittenState & {
    update: Uint8Array;
    isLittle?: boolean;
  }): Trial {
    const doc = new WeighedDoc();
    const costMs = spentMs(() => {
      for (const known of [state, ...since]) Y.applyUpdate(doc, known);
      if (refusalOf(doc, update) === undefined) return;
      throw new AppError("invalid_payload", "update: it does not fit the document.");
    });
    // Who opens it gets it as one update, which may take far longer than its parts did.
    const isKnown = isLittle || costMs > MAX_DOCUMENT_MS;
    const whole = isKnown ? undefined : Y.encodeStateAsUpdate(doc);
    const againMs = whole ? spentMs(() => docOf({ state: whole })) : 0;
    if (Math.max(costMs, againMs) > MAX_DOCUMENT_MS) {
      throw new AppError("too_large", "update: it takes too long to apply.");
    }
    if (doc.depth > MAX_TYPE_DEPTH) {
      throw new AppError("invalid_payload", "update: its elements are nested too deep.");
    }
    const trial = { depth: doc.depth, tookMs: costMs + againMs };
    return whole ? { ...trial, state: whole, vector: Y.encodeStateVector(doc) } : trial;
  },

  /** Applies what a log holds; `tell` hears which update comes next, in case it is the last. */
  log({ updates, without }: { updates: Uint8Array[]; without: number[] }, tell?: Tell): LogDigest {
    const refused = new Set(without);
    let doc = applied(updates, refused, tell);
    // One that failed half-way, or came with a depth, may have left something behind.
    while (doc === undefined) doc = applied(updates, refused, tell);
    const written = measured(doc);
    if (spentMs(() => docOf(written)) > MAX_LOGGED_MS) {
      throw new AppError("too_large", "This document takes too long to open.");
    }
    return { ...written, pieces: piecesOf(doc), refused: [...refused].sort((a, b) => a - b) };
  },

  /**
   * What of the update the holder of the state vector has not, in pieces.
   *
   * @throws {AppError} `invalid_payload`
   */
  missing({ update, vector }: { update: Uint8Array; vector: Uint8Array }): Uint8Array[] {
    const doc = new WeighedDoc();
    if (refusalOf(doc, update) === undefined) return piecesOf(doc, vector);
    throw new AppError("invalid_payload", "update: it is harmful.");
  },

  /** Updates of a log as one. */
  merge: mergeThroughDocument,

  /**
   * The state with which a note's document begins: its text, built on the state of the last save.
   * `undefined` for a note without a text.
   */
  begin({ note, kept }: { note: NoteSnapshot; kept: Uint8Array | undefined }) {
    const content = contentOf(note);
    const doc = new WeighedDoc();
    const takes = kept && refusalOf(doc, kept) === undefined;
    const fragment = doc.getXmlFragment(FRAGMENT);
    const isKept = takes === true && fragment.length > 0;
    const isRenewed = isKept && fingerprint(toJson(fragment)) !== fingerprint(content);
    if (isRenewed) doc.transact(() => replaceContent(fragment, content));
    if (!isKept && (content.content?.length ?? 0) > 0) seed(doc, content);
    if (!takes && fragment.length === 0) return undefined;
    return { ...measured(doc), pieces: piecesOf(doc), isRenewed };
  },

  /** What was written in parts, as one state: all of it, or none where a part does not fit. */
  whole: (written: WrittenState): Uint8Array => Y.encodeStateAsUpdate(docOf(written)),

  /** What the note is to say, see {@linkcode snapshotOf}; and the state, where it was in several parts. */
  snapshot({ given, isEdited, ...written }: WrittenState & {
    given: NoteSnapshot | undefined;
    isEdited: boolean;
  }): NoteSnapshot & { state?: Uint8Array } {
    const doc = docOf(written);
    const snapshot = snapshotOf({ json: contentIn(doc), given, isEdited });
    return written.since ? { ...snapshot, state: Y.encodeStateAsUpdate(doc) } : snapshot;
  },

  html: (text: NoteSnapshot): string => toHtml(contentOf(text)),

  /** Whether the note says something else than the document. */
  differs({ note, ...written }: WrittenState & { note: NoteSnapshot }): boolean {
    return fingerprint(contentIn(docOf(written))) !== fingerprint(contentOf(note));
  },

  /** The update that brings the change from the known state to the text. */
  change({ text, ...known }: WrittenState & { text: NoteSnapshot }) {
    const content = contentOf(text);
    const doc = docOf(known);
    const changes: Uint8Array[] = [];
    doc.on("update", (update: Uint8Array) => changes.push(update));
    doc.transact(() => replaceContent(doc.getXmlFragment(FRAGMENT), content));
    return { content, update: changes[0] };
  },
} as const;

export type Digests = typeof digests;
export type Kind = keyof Digests;
export type Input<K extends Kind> = Parameters<Digests[K]>[0];
export type Output<K extends Kind> = ReturnType<Digests[K]>;

/** The document of the updates but for those refused; `undefined` when another one had to be. */
function applied(
  updates: readonly Uint8Array[],
  refused: Set<number>,
  tell?: Tell,
): WeighedDoc | undefined {
  const doc = new WeighedDoc();
  const before = refused.size;
  doc.transact(() => {
    updates.forEach((update, at) => {
      if (refused.has(at)) return;
      const size = isUpdate(update);
      const isLarge = size && size.structs + size.deletions > LARGE_STRUCTS;
      if (isLarge) tell?.(at);
      const apply = () => {
        if (!size || refusalOf(doc, update) !== undefined) refused.add(at);
      };
      if (!isLarge) return apply();
      if (spentMs(apply) > MAX_LOGGED_MS) refused.add(at);
    });
  });
  if (refused.size === before && doc.depth > MAX_TYPE_DEPTH) refused.add(deepest(updates, refused));
  return refused.size === before ? doc : undefined;
}

function isUpdate(update: Uint8Array) {
  try {
    return scanUpdate(update);
  } catch {
    return undefined;
  }
}

/** The first update with which the document is too deep. */
function deepest(updates: readonly Uint8Array[], refused: ReadonlySet<number>): number {
  const doc = new WeighedDoc();
  return updates.findIndex((update, at) => {
    if (refused.has(at)) return false;
    refusalOf(doc, update);
    return doc.depth > MAX_TYPE_DEPTH;
  });
}

function docOf({ state, since = [] }: WrittenState): WeighedDoc {
  const doc = new WeighedDoc();
  for (const update of [state, ...since]) Y.applyUpdate(doc, update);
  return doc;
}

const measured = (doc: Y.Doc): MeasuredState => ({
  state: Y.encodeStateAsUpdate(doc),
  vector: Y.encodeStateVector(doc),
});

/** The document's text. */
export const contentIn = (doc: Y.Doc): JsonNode => toJson(doc.getXmlFragment(FRAGMENT));
