import { DocumentService, type DocumentServiceOptions } from "../documents/document_service.ts";
import type { NoteAccess, NoteContent } from "../documents/note_ports.ts";
import { documentAudience, documentEvents } from "../realtime/document_events.ts";
import { NoteRooms } from "../realtime/note_rooms.ts";
import type { RealtimeServer } from "../realtime/session.ts";
import type { Foundation } from "./foundation.ts";
import type { Presence } from "./presence.ts";

/** Ties documents to sockets and notes. What is unsaved at the end is saved before the store closes. */
export function openDocuments(
  { config, store, topics, logger, stack }: Foundation,
  { sessions, notes }: Pick<Presence, "sessions"> & { notes: NoteAccess & NoteContent },
  io: RealtimeServer,
  options: Pick<DocumentServiceOptions, "accessTtlMs" | "isContentSent">,
) {
  const noteRooms = stack.use(new NoteRooms({ io, access: notes, logger }));
  const service = new DocumentService({
    ...{ store, topics, logger },
    access: notes,
    content: notes,
    audience: documentAudience({ io, noteRooms }),
    userIds: (sids) => sessions.userIds(sids),
    compactionThreshold: config.ydocCompactionThreshold,
    maxDocumentWeight: config.quotaDocumentBytes,
    maxOpenDocuments: config.quotaOpenDocuments,
    maxOpenWeight: config.quotaOpenDocumentBytes,
    ...options,
  });
  stack.defer(() => service.close());
  return { service, noteRooms, events: documentEvents({ documents: service, noteRooms }) };
}
