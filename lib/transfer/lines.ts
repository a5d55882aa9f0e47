/**
 * A store as lines of JSON: `{"type", "version", "record"}`, in any order but for the first and the
 * last. What is fleeting (sessions, tasks, streams, open documents) is not among them.
 */
import * as v from "valibot";
import { AppError } from "../common/errors.ts";
import {
  ChannelMemberSchema,
  ChannelSchema,
  ChatMessageRecordSchema,
  ChatSchema,
  GroupSchema,
  NoteDataSchema,
  NoteSchema,
  StoredMessageSchema,
  UserSchema,
} from "../state/records.ts";

/** The version of the lines. A field that is added needs no new one. */
export const LINE_VERSION = 1;

const id = v.pipe(v.string(), v.minLength(1));
/** Where something stands in a list: a number that only its order counts of. */
const position = v.number();

const RECORDS = {
  /** First: what the file is, and which form its records have. */
  header: v.looseObject({
    project: v.literal("webui-realtime"),
    schema: v.number(),
    written_by: v.string(),
  }),
  user: UserSchema,
  group: GroupSchema,
  group_member: v.object({ group_id: id, user_id: id, joined_at: position }),
  /** A chat without its messages. */
  chat: ChatSchema,
  chat_message: v.object({ chat_id: id, message: ChatMessageRecordSchema }),
  /** A note with its text; `listed_at`: in milliseconds, as lists order it. */
  note: v.object({ note: NoteSchema, data: v.nullable(NoteDataSchema), listed_at: position }),
  channel: v.object({ channel: ChannelSchema, listed_at: position }),
  channel_member: ChannelMemberSchema,
  channel_message: StoredMessageSchema,
  channel_pin: v.object({ channel_id: id, message_id: id, position }),
  channel_read: v.object({ channel_id: id, user_id: id, at: v.number(), position }),
  /** Last: how many records there are of each type. A file without it was cut short. */
  end: v.record(v.string(), v.number()),
} as const;

export type LineType = keyof typeof RECORDS;

/** A line of the type, as a union over all types. */
export type Line = {
  [T in LineType]: { type: T; record: v.InferOutput<(typeof RECORDS)[T]> };
}[LineType];

const EnvelopeSchema = v.object({ type: v.string(), version: v.number(), record: v.unknown() });

export function writeLine({ type, record }: Line): string {
  return JSON.stringify({ type, version: LINE_VERSION, record });
}

/** @throws {AppError} `invalid_payload` that says what is wrong, without what the line holds */
export function readLine(text: string): Line {
  const envelope = v.safeParse(EnvelopeSchema, parsed(text));
  if (!envelope.success) {
    throw invalid("is no record: {type, version, record} is one");
  }
  const { type, version, record } = envelope.output;
  if (version > LINE_VERSION) {
    throw invalid(`is of version ${version}; this version of webui-realtime reads ${LINE_VERSION}`);
  }
  if (!Object.hasOwn(RECORDS, type)) throw invalid(`is of an unknown type: ${type.slice(0, 40)}`);
  const schema: v.GenericSchema<unknown, unknown> = RECORDS[type as LineType];
  const result = v.safeParse(schema, record);
  if (result.success) return { type, record: result.output } as Line;
  const [issue] = result.issues;
  throw invalid(`is no ${type}: ${v.getDotPath(issue) ?? "record"} is not ${issue.expected}`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const invalid = (what: string) => new AppError("invalid_payload", what);
