/** The payloads of documents (docs/protocol.md, section 4). Bytes come as arrays of numbers or as attachments. */
import { Buffer } from "node:buffer";
import * as v from "valibot";
import { AppError } from "../common/errors.ts";
import { IdSchema } from "../protocol/schemas/chat.ts";

/** An update above this is refused: a document takes no more than twice as much. */
const MAX_UPDATE_BYTES = 8 * 1024 * 1024;
const MAX_AWARENESS_BYTES = 64 * 1024;

/** Bytes, and how the client encoded them. */
export interface EncodedBytes {
  bytes: Uint8Array;
  isBinary: boolean;
}

/** `undefined` for anything but whole numbers from 0 to 255. */
function bytesOfNumbers(numbers: readonly unknown[]): Uint8Array | undefined {
  const bytes = new Uint8Array(numbers.length);
  for (let at = 0; at < numbers.length; at++) {
    const number = numbers[at];
    if (typeof number !== "number") return undefined;
    bytes[at] = number;
    if (bytes[at] !== number) return undefined;
  }
  return bytes;
}

function decoded(value: unknown): EncodedBytes | undefined {
  if (Array.isArray(value)) {
    const bytes = bytesOfNumbers(value);
    return bytes && { bytes, isBinary: false };
  }
  if (value instanceof Uint8Array) {
    const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    return { bytes, isBinary: true };
  }
  if (value instanceof ArrayBuffer) return { bytes: new Uint8Array(value), isBinary: true };
  return undefined;
}

function sizeOf(value: unknown): number {
  if (Array.isArray(value)) return value.length;
  return value instanceof Uint8Array || value instanceof ArrayBuffer ? value.byteLength : 0;
}

/** One pass over the bytes instead of a schema for each: a paste has hundreds of thousands. */
function bytesUpTo(maxBytes: number) {
  return v.pipe(
    v.unknown(),
    v.rawTransform<unknown, EncodedBytes>(({ dataset, addIssue, NEVER }) => {
      if (sizeOf(dataset.value) > maxBytes) {
        throw new AppError("too_large", `At most ${maxBytes} bytes are taken at once.`);
      }
      const bytes = decoded(dataset.value);
      if (bytes) return bytes;
      addIssue({ message: "must be bytes: an array of numbers from 0 to 255, or binary" });
      return NEVER;
    }),
  );
}

/** The bytes in the form in which the client sends them. */
export const encode = (bytes: Uint8Array, isBinary: boolean): Buffer | number[] =>
  isBinary ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length) : Array.from(bytes);

const DocumentIdSchema = v.pipe(v.string(), v.minLength(1), v.maxLength(160));
const UpdateSchema = bytesUpTo(MAX_UPDATE_BYTES);

export const DocumentSchema = v.object({ document_id: DocumentIdSchema });

export const JoinDocumentSchema = v.object({
  document_id: DocumentIdSchema,
  user_color: v.nullish(v.pipe(v.string(), v.maxLength(64))),
  state_vector: v.nullish(UpdateSchema),
});

export const DocumentStateSchema = v.object({
  document_id: DocumentIdSchema,
  state_vector: v.nullish(UpdateSchema),
});

/** What a client says that a note's text is. */
export const ContentSchema = v.object({
  md: v.fallback(v.nullish(v.string()), undefined),
  html: v.fallback(v.nullish(v.string()), undefined),
  /** ProseMirror's document; Open WebUI's client sends an empty text when it has none. */
  json: v.fallback(v.nullish(v.looseObject({ content: v.optional(v.array(v.any())) })), undefined),
});

export const DocumentUpdateSchema = v.object({
  document_id: DocumentIdSchema,
  update: v.nullish(UpdateSchema),
  /** The update is a text to begin an empty document with; the ack is what it begins with. */
  initialize: v.nullish(v.boolean()),
  data: v.nullish(v.object({ content: v.nullish(ContentSchema) })),
});

export const AwarenessSchema = v.object({
  document_id: DocumentIdSchema,
  update: bytesUpTo(MAX_AWARENESS_BYTES),
});

export const JoinNoteSchema = v.object({ note_id: IdSchema });
