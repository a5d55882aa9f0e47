import type { NoteSnapshot } from "../note_schema/note_content.ts";
import type { Member } from "./members.ts";
import type { WrittenState } from "./remembered_state.ts";

/** Who wants to join, and how that client encodes bytes. */
export type Joiner = Omit<Member, "canWrite" | "checkedAtMs" | "encoding">;

export interface DocumentState extends WrittenState {
  /** The ids of the sessions that edit the document, on any instance. */
  sessions: string[];
  /** The note's text as it was last saved, where that is wanted. */
  content?: NoteSnapshot | undefined;
}

/** A join on its way. Whoever leaves meanwhile has not joined when it is done. */
export interface Joining {
  key: string;
  sid: string;
  hasLeft: boolean;
}
