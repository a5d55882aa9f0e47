/** What the events of documents carry to a client (docs/protocol.md, section 5). */

/** Bytes as the client spoke them: binary, or JSON's array of numbers. */
export type WireBytes = Uint8Array | ArrayBuffer | number[];

/** The document as it is, to who has just joined it. */
export interface DocumentStateEvent {
  /** The document: `note:{id}` of a note. */
  document_id: string;
  /** A Yjs update that holds what the client does not have. */
  state: WireBytes;
  /** The ids of the sessions that edit the document: who is alone in it is named alone. */
  sessions: string[];
  /** The note's text as it was last saved, to who has just joined an Open WebUI's note. */
  content?: { md?: string | null; html?: string | null; json?: object | null };
}

/** An edit of somebody else. */
export interface DocumentUpdateEvent {
  /** The document. */
  document_id: string;
  /** Who has edited. */
  user_id: string;
  /** The edit, as a Yjs update. */
  update: WireBytes;
  /** The session that it came from. */
  socket_id: string;
}

/** Somebody's cursor has moved, or they have come or gone. */
export interface DocumentAwarenessEvent {
  /** The document. */
  document_id: string;
  /** Whose it is. */
  user_id: string;
  /** An update of y-protocols' awareness, or the JSON of Open WebUI's own client. */
  update: WireBytes;
}

/** Somebody has come into a document, or has left it. */
export interface DocumentUserEvent {
  /** The document. */
  document_id: string;
  /** Who. */
  user_id: string;
  /** What they are called there. */
  user_name?: string;
  /** The colour of their cursor. */
  user_color?: string;
}
