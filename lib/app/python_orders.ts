import * as v from "valibot";
import type { Bridge } from "../bridge/bridge.ts";
import { errorText } from "../common/errors.ts";
import { documentOfNote } from "../documents/document_id.ts";
import { rooms as roomNames } from "../protocol/events.ts";
import { BridgedSockets } from "../realtime/bridged_sockets.ts";
import { keys } from "../state/key_space.ts";
import { ContentSchema } from "../realtime/document_payloads.ts";
import { chatOf } from "../realtime/chat_rooms.ts";
import type { Reloads } from "../realtime/reloads.ts";
import type { RealtimeSocket } from "../realtime/session.ts";
import type { Foundation } from "./foundation.ts";
import type { Rooms } from "./realtime.ts";
import type { RealtimeSide } from "./server.ts";

/** Python makes the members of a direct channel active only after it has told them of the channel. */
const MEMBERS_SETTLE_MS = 1_000;

/** Within this time all instances have heard of a note that was written. */
const MERGE_ONCE_MS = 30_000;

const WrittenNoteSchema = v.object({
  id: v.string(),
  updated_at: v.optional(v.number()),
  data: v.nullish(v.object({ content: v.nullish(ContentSchema) })),
});

const afterPrefix = (name: string, prefix: string) =>
  name.startsWith(prefix) ? name.slice(prefix.length) : undefined;

/**
 * What Open WebUI's Python processes say to sockets, and what follows from it here. Resolves when they
 * are heard.
 */
export async function followPython(
  { store, logger, stack }: Pick<Foundation, "store" | "logger" | "stack">,
  bridge: Bridge,
  { io }: Pick<RealtimeSide, "io">,
  { documents, channels, chats }: Rooms,
  reloads: Pick<Reloads, "heard">,
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

  /**
   * A note that is open was written by HTTP, by its user or by a model: what the editors save next
   * must not undo that. Each instance hears of it, and one of them merges.
   */
  async function mergeNote(payload: unknown): Promise<void> {
    const note = v.safeParse(WrittenNoteSchema, payload);
    if (!note.success || !note.output.data?.content) return;
    const { id, updated_at, data: { content } } = note.output;
    try {
      const lock = keys.noteMerge(id, String(updated_at ?? crypto.randomUUID()));
      if (!await store.acquire(lock, { ttlMs: MERGE_ONCE_MS })) return;
      await documents.service.writeText(id, content, () => Promise.resolve());
    } catch (thrown) {
      logger.warn("a note that was written by HTTP is not merged", { error: errorText(thrown) });
    }
  }

  function noteChat(payload: unknown): void {
    const { chat_id } = (payload ?? {}) as { chat_id?: unknown };
    if (typeof chat_id === "string") reloads.heard(chat_id);
  }

  await bridge.serve(
    new BridgedSockets({
      io,
      onEmit({ event, args: [payload], rooms = [] }) {
        if (event === "events") return noteChat(payload);
        if (event === "events:note") return void mergeNote(payload);
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
