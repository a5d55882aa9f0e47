import type { Bridge } from "../bridge/bridge.ts";
import { errorText } from "../common/errors.ts";
import { documentOfNote } from "../documents/document_id.ts";
import { rooms as roomNames } from "../protocol/events.ts";
import { BridgedSockets } from "../realtime/bridged_sockets.ts";
import { chatOf } from "../realtime/chat_rooms.ts";
import type { RealtimeSocket } from "../realtime/session.ts";
import type { Foundation } from "./foundation.ts";
import type { Rooms } from "./realtime.ts";
import type { RealtimeSide } from "./server.ts";

/** Python makes the members of a direct channel active only after it has told them of the channel. */
const MEMBERS_SETTLE_MS = 1_000;

const afterPrefix = (name: string, prefix: string) =>
  name.startsWith(prefix) ? name.slice(prefix.length) : undefined;

/**
 * What Open WebUI's Python processes say to sockets, and what follows from it here. Resolves when they
 * are heard.
 */
export async function followPython(
  { logger, stack }: Pick<Foundation, "logger" | "stack">,
  bridge: Bridge,
  { io }: Pick<RealtimeSide, "io">,
  { documents, channels, chats }: Rooms,
): Promise<void> {
  const settling = new Map<string, ReturnType<typeof setTimeout>>();
  stack.defer(() => settling.forEach((timer) => clearTimeout(timer)));

  /** Python lets members in only where they are connected to the very process that it runs in. */
  function membersChanged(userId: string): void {
    void channels.userRegrouped(userId);
    clearTimeout(settling.get(userId));
    const again = setTimeout(() => {
      settling.delete(userId);
      void channels.userRegrouped(userId);
    }, MEMBERS_SETTLE_MS);
    settling.set(userId, again);
  }

  function leaveDocument(socket: RealtimeSocket, noteId: string): void {
    try {
      documents.service.leave(documentOfNote(noteId), socket.id);
      void socket.leave(roomNames.document(`note:${noteId}`));
    } catch (thrown) {
      logger.debug("no note of ours is left", { error: errorText(thrown) });
    }
  }

  await bridge.serve(
    new BridgedSockets({
      io,
      onEmit({ event, args: [payload], rooms = [] }) {
        if (event !== "events:channel") return;
        const { data } = (payload ?? {}) as { data?: { type?: unknown } };
        if (data?.type !== "channel:created") return;
        for (const room of rooms) {
          const userId = afterPrefix(room, roomNames.user(""));
          if (userId !== undefined) membersChanged(userId);
        }
      },
      onMoved(socket, room, isIn) {
        const chatId = chatOf(room);
        if (chatId !== undefined) {
          if (!isIn) void chats.left(socket, chatId);
          return;
        }
        const noteId = afterPrefix(room, roomNames.document("note:")) ??
          afterPrefix(room, roomNames.note(""));
        if (noteId !== undefined && !isIn) leaveDocument(socket, noteId);
      },
    }),
  );
}
