/** What instances tell each other of documents. */
import * as v from "valibot";
import type { Topic } from "../bus/topics.ts";

const PersonSchema = v.object({
  sid: v.string(),
  userId: v.string(),
  userName: v.string(),
  userColor: v.optional(v.string()),
});
const BytesSchema = v.pipe(
  v.instance(Uint8Array),
  v.transform((bytes): Uint8Array => new Uint8Array(bytes)),
);

const ChangeSchema = v.variant("kind", [
  v.object({ kind: v.literal("update"), by: v.optional(PersonSchema), update: BytesSchema }),
  v.object({ kind: v.literal("awareness"), by: PersonSchema, update: BytesSchema }),
  v.object({ kind: v.literal("joined"), by: PersonSchema }),
  v.object({ kind: v.literal("left"), by: PersonSchema }),
  /** Somebody who had unsaved edits is gone: save. */
  v.object({ kind: v.literal("unsaved") }),
]);

export type Person = v.InferOutput<typeof PersonSchema>;

/** What others are told of a person. */
export const personOf = ({ sid, userId, userName, userColor }: Person): Person => ({
  sid,
  userId,
  userName,
  ...(userColor === undefined ? {} : { userColor }),
});

export type Change = v.InferOutput<typeof ChangeSchema>;

/** What happens in an open document. The log is the truth: after a gap it is read again. */
export const changesOf = (key: string): Topic<Change> => ({
  name: `document ${key}`,
  schema: ChangeSchema,
});

const NoteAccessSchema = v.object({
  noteIds: v.array(v.string()),
  userId: v.optional(v.string()),
});

/** Whose access to which notes may have changed; without a user, everybody's. */
export type NoteAccessChange = v.InferOutput<typeof NoteAccessSchema>;

export const noteAccess: Topic<NoteAccessChange> = {
  name: "note access",
  schema: NoteAccessSchema,
};
