/** What the events of documents carry to a client (docs/protocol.md, section 5). */

/** Bytes as the client spoke them: binary, or JSON's array of numbers. */
export type WireBytes = Uint8Array | ArrayBuffer | number[];

export interface DocumentStateEvent {
  document_id: string;
  state: WireBytes;
  /** The ids of the sessions that edit the document: who is alone in it is named alone. */
  sessions: string[];
  /** The note's text as it was last saved, to who has just joined an Open WebUI's note. */
  content?: { md?: string | null; html?: string | null; json?: object | null };
}

export interface DocumentUpdateEvent {
  document_id: string;
  user_id: string;
  update: WireBytes;
  socket_id: string;
}

export interface DocumentAwarenessEvent {
  document_id: string;
  user_id: string;
  update: WireBytes;
}

export interface DocumentUserEvent {
  document_id: string;
  user_id: string;
  user_name?: string;
  user_color?: string;
}
