import { AppError } from "../common/errors.ts";
import { type DocumentRef, parseDocumentId } from "../documents/document_id.ts";
import type { DocumentService } from "../documents/document_service.ts";
import type { DocumentState } from "../documents/joining.ts";
import type { Audience, Member } from "../documents/members.ts";
import { wholeOf } from "../documents/yjs_state.ts";
import { type ErrorEvent, rooms } from "../protocol/events.ts";
import type { ServerEventName, ServerEvents } from "../protocol/wire_events.ts";
import { event, type EventTable } from "./dispatcher.ts";
import {
  AwarenessSchema,
  DocumentSchema,
  DocumentStateSchema,
  DocumentUpdateSchema,
  encode,
  type EncodedBytes,
  JoinDocumentSchema,
  JoinNoteSchema,
} from "./document_payloads.ts";
import { isStill } from "./local_sockets.ts";
import type { NoteRooms } from "./note_rooms.ts";
import { PendingJoins } from "./pending_joins.ts";
import type { RealtimeServer, RealtimeSocket } from "./session.ts";

/** The room of a document, in one spelling whatever its members call it. */
const roomOf = ({ noteId }: DocumentRef) => rooms.document(`note:${noteId}`);

export interface DocumentEventsOptions {
  documents: DocumentService;
  noteRooms: Pick<NoteRooms, "join">;
}

/** The events of documents and `join-note` (docs/protocol.md, section 4). */
export function documentEvents({ documents, noteRooms }: DocumentEventsOptions): EventTable {
  const joins = new PendingJoins();

  /** Notes how the client encodes bytes, for everything it is sent from now on. */
  function seen(ref: DocumentRef, sid: string, ...received: (EncodedBytes | null | undefined)[]) {
    const { member } = documents.member(ref, sid);
    for (const bytes of received) if (bytes) member.isBinary = bytes.isBinary;
    return member;
  }

  function sendState(
    socket: RealtimeSocket,
    member: Member,
    { state, since = [], sessions, content }: DocumentState,
  ) {
    socket.emit("ydoc:document:state", {
      document_id: member.documentId,
      state: encode(state, member.isBinary),
      sessions,
      ...(content && { content }),
    });
    for (const update of since) {
      socket.emit("ydoc:document:update", {
        document_id: member.documentId,
        user_id: "",
        update: encode(update, member.isBinary),
        socket_id: "",
      });
    }
  }

  /** Answers with the document as it is then. */
  async function begin(
    ref: DocumentRef,
    { sid, isBinary }: Member,
    first: Pick<Parameters<DocumentService["update"]>[2], "update" | "snapshot">,
  ): Promise<ReturnType<typeof encode>> {
    // Checked and applied in one go: of several who begin the document, the first one does.
    if (documents.isEmpty(ref, sid)) await documents.update(ref, sid, { ...first, isFirst: true });
    return encode(wholeOf(await documents.state(ref, sid)), isBinary);
  }

  return {
    "join-note": event({
      schema: JoinNoteSchema,
      handle: ({ socket, session }, { note_id }) => noteRooms.join(socket, session, note_id),
    }),
    "ydoc:document:join": event({
      schema: JoinDocumentSchema,
      async handle({ socket, session }, { document_id, user_color, state_vector }) {
        const ref = parseDocumentId(document_id);
        await joins.run(socket, ref.key, async () => {
          const joiner = {
            sid: socket.id,
            userId: session.user.id,
            userName: session.user.name,
            ...(user_color ? { userColor: user_color } : {}),
            documentId: document_id,
            isBinary: state_vector?.isBinary ?? false,
          };
          const state = await documents.join(ref, joiner, state_vector?.bytes);
          // Whoever left or was sent out since is no member any more: nothing is sent then.
          const { member } = documents.member(ref, socket.id);
          if (!isStill(socket, session)) return void documents.leave(ref, socket.id);
          sendState(socket, member, state);
          documents.announce(ref, socket.id);
          await socket.join(roomOf(ref));
          if (!isMember(documents, ref, socket.id)) await socket.leave(roomOf(ref));
        });
      },
    }),
    "ydoc:document:state": event({
      schema: DocumentStateSchema,
      async handle({ socket }, { document_id, state_vector }) {
        const ref = parseDocumentId(document_id);
        const member = seen(ref, socket.id, state_vector);
        sendState(socket, member, await documents.state(ref, socket.id, state_vector?.bytes));
      },
    }),
    "ydoc:document:update": event({
      schema: DocumentUpdateSchema,
      // Of an update there is no other promise than that of the documents: thousands may be under way.
      handle({ socket }, { document_id, update, initialize, data }) {
        const ref = parseDocumentId(document_id);
        const member = seen(ref, socket.id, update);
        const [bytes, snapshot] = [update?.bytes, data?.content ?? undefined];
        if (initialize) return begin(ref, member, { update: bytes, snapshot });
        return documents.update(ref, socket.id, { update: bytes, snapshot });
      },
    }),
    "ydoc:document:leave": event({
      schema: DocumentSchema,
      async handle({ socket }, { document_id }) {
        const ref = parseDocumentId(document_id);
        if (!documents.leave(ref, socket.id)) {
          throw new AppError("forbidden", "Join the document first.");
        }
        await socket.leave(roomOf(ref));
      },
    }),
    "ydoc:awareness:update": event({
      schema: AwarenessSchema,
      async handle({ socket }, { document_id, update }) {
        const ref = parseDocumentId(document_id);
        await joins.over(socket, ref.key);
        seen(ref, socket.id, update);
        documents.awareness(ref, socket.id, update.bytes);
      },
    }),
  };
}

function isMember(documents: DocumentService, ref: DocumentRef, sid: string): boolean {
  try {
    documents.member(ref, sid);
    return true;
  } catch {
    return false;
  }
}

export interface DocumentAudienceOptions {
  io: RealtimeServer;
  noteRooms: Pick<NoteRooms, "recheck" | "recheckAll">;
}

/** Sends to the sockets of this instance; the other instances send to theirs. */
export function documentAudience({ io, noteRooms }: DocumentAudienceOptions): Audience {
  /** One event for all with one encoding, so that it is encoded once for them. */
  function send<E extends ServerEventName>(
    to: Member[],
    name: E,
    payload: (one: Pick<Member, "documentId" | "isBinary">) => ServerEvents[E],
  ): void {
    // Socket.IO's own types can't follow a name that is a parameter.
    type Receivers = { emit(name: E, payload: ServerEvents[E]): boolean };
    const [only, another] = to;
    if (only && !another) {
      const socket = io.sockets.sockets.get(only.sid) as unknown as Receivers | undefined;
      return void socket?.emit(name, payload(only));
    }
    for (const alike of Map.groupBy(to, (one) => `${one.isBinary}${one.documentId}`).values()) {
      const [first] = alike;
      if (!first) continue;
      const theirs = io.local.to(alike.map(({ sid }) => sid)) as unknown as Receivers;
      theirs.emit(name, payload(first));
    }
  }

  const sendError = (to: Member[], error: ErrorEvent) => {
    if (to.length > 0) io.local.to(to.map(({ sid }) => sid)).emit("error", error);
  };

  return {
    update: (to, by, update) =>
      send(to, "ydoc:document:update", ({ documentId, isBinary }) => ({
        document_id: documentId,
        user_id: by?.userId ?? "",
        update: encode(update, isBinary),
        socket_id: by?.sid ?? "",
      })),
    awareness: (to, by, update) =>
      send(to, "ydoc:awareness:update", ({ documentId, isBinary }) => ({
        document_id: documentId,
        user_id: by.userId,
        update: encode(update, isBinary),
      })),
    joined: (to, by) =>
      send(to, "ydoc:user:joined", ({ documentId }) => ({
        document_id: documentId,
        user_id: by.userId,
        user_name: by.userName,
        user_color: by.userColor,
      })),
    left: (to, by) =>
      send(to, "ydoc:user:left", ({ documentId }) => ({
        document_id: documentId,
        user_id: by.userId,
        user_name: by.userName,
      })),
    sentOut(member, ref, { code, message }) {
      const event = "ydoc:document:join";
      sendError([member], { event, code: code === "internal" ? "unavailable" : code, message });
      void io.sockets.sockets.get(member.sid)?.leave(roomOf(ref));
    },
    saveFailed: (to) =>
      sendError(to, {
        event: "ydoc:document:update",
        code: "unavailable",
        message:
          "The note can't be saved at the moment; your edits are kept and it is tried again.",
      }),
    accessChanged: (noteId, userId) => void noteRooms.recheck(noteId, userId),
    accessMissed: () => void noteRooms.recheckAll(),
  };
}
