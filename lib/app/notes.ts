import type { Hono } from "hono";
import { groupRoutes } from "../http/groups.ts";
import type { HttpEnv } from "../http/http_env.ts";
import { noteRoutes } from "../http/notes.ts";
import { rooms } from "../protocol/events.ts";
import type { Services } from "./services.ts";
import type { Sockets } from "./sockets.ts";

/** The routes of notes and of the groups with which they are shared. */
export function createNoteRoutes(
  services: Services,
  { io, documents, channels }: Pick<Sockets, "io" | "documents" | "channels">,
): { notes: Hono<HttpEnv>; groups: Hono<HttpEnv> } {
  const { users, notes, groups } = services;
  const publicUser = (userId: string) => users.findPublic(userId);
  return {
    notes: noteRoutes({
      notes,
      publicUser,
      groupName: (groupId) => groups.nameOf(groupId),
      writeText: (noteId, { md, html, json }, store) =>
        documents.writeText(noteId, { md, html, json }, store),
      saveNow: (noteId) => documents.saveNow(noteId),
      htmlOf: (text) => documents.digester.run("html", text),
      noteChanged: (note) => void io.to(rooms.note(note.id)).emit("events:note", note),
      accessChanged: (noteId) => documents.accessChanged(noteId),
      noteDeleted: (noteId) => documents.noteDeleted(noteId),
    }),
    groups: groupRoutes({
      groups,
      publicUser,
      regrouped: (userIds) => channels.access.changed({ user_ids: [...userIds] }),
      async readersChanged(groupId) {
        for await (const noteIds of notes.sharedWith(groupId)) {
          await documents.manyAccessChanged(noteIds);
        }
      },
    }),
  };
}
