import { type Context, Hono } from "hono";
import type { NoteSnapshot } from "../note_schema/note_content.ts";
import type { Reader } from "../notes/note_access.ts";
import type { NoteStore } from "../notes/note_store.ts";
import type { Note, NoteData, NotePatch } from "../protocol/note.ts";
import { NoteBodySchema, NotePatchSchema } from "../protocol/schemas/note.ts";
import type { PublicUser } from "../protocol/user.ts";
import type { HttpEnv } from "./http_env.ts";
import { readJson, sendJson } from "./json_body.ts";
import { askedPage } from "./paging.ts";

export interface NoteRoutesOptions {
  notes: NoteStore;
  /** What others are told about a user. */
  publicUser(userId: string): Promise<PublicUser | undefined>;
  /** What a group is called; `undefined`: there is none any more. */
  groupName(groupId: string): Promise<string | undefined>;
  /**
   * Takes a text past the editors: one that was merged with theirs (`isMerged`) is in the note
   * already when `store` is called.
   */
  writeText<T>(
    noteId: string,
    content: NonNullable<NoteData["content"]>,
    store: (isMerged: boolean) => Promise<T>,
  ): Promise<T>;
  /** Saves what a note's editors have written by now. */
  saveNow(noteId: string): Promise<void>;
  /** The text as HTML of our own. */
  htmlOf(text: NoteSnapshot): Promise<string>;
  /** A note was changed: tells those who look at it. */
  noteChanged(note: Note): void;
  /** Who may read or write the note has changed, on every instance. */
  accessChanged(noteId: string): Promise<void>;
  /** The note is gone: everybody leaves, and nothing of its text is kept elsewhere. */
  noteDeleted(noteId: string): Promise<void>;
}

/** Open WebUI's own page of notes. */
const PAGE_SIZE = 60;

/** `/api/v1/notes` (docs/protocol.md, section 11). All routes want a user. */
export function noteRoutes(options: NoteRoutesOptions): Hono<HttpEnv> {
  const { notes, publicUser, writeText, htmlOf, noteChanged, accessChanged, noteDeleted } = options;
  const routes = new Hono<HttpEnv>();
  const readerOf = ({ id, role }: Reader): Reader => ({ id, role });

  /** HTML is made from what it says: a note shows its readers no script that its writer sent. */
  async function withOwnHtml(data: NoteData | null | undefined): Promise<NoteData | null> {
    const content = data?.content;
    if (!data || !content?.html) return data ?? null;
    return { ...data, content: { ...content, html: await htmlOf(content as NoteSnapshot) } };
  }

  routes.post("/create", async (c) => {
    const { data, ...body } = await readJson(c, NoteBodySchema);
    const reader = readerOf(c.get("user"));
    return await sendJson(
      c,
      await notes.create(reader, { ...body, data: await withOwnHtml(data) }),
    );
  });

  routes.get("/", async (c) => {
    const reader = readerOf(c.get("user"));
    const page = await askedPage(c, (at) => notes.page(reader, { limit: PAGE_SIZE, ...at }));
    const found = page?.notes ?? [];
    const users = await Promise.all(found.map(({ user_id }) => publicUser(user_id)));
    return c.json(found.map((note, at) => ({ ...note, user: users[at] ?? null })));
  });

  routes.get("/:id", async (c) => {
    return await sendJson(c, await notes.get(readerOf(c.get("user")), c.req.param("id")));
  });

  /** Changes a note; a text goes by its editors. */
  async function change(reader: Reader, id: string, patch: NotePatch): Promise<Note> {
    const content = patch.data?.content;
    if (content) await notes.requireWrite(reader, id);
    const { note, isAccessChanged } = content
      ? await writeText(
        id,
        content,
        (isMerged) => notes.update(reader, id, isMerged ? withoutText(patch) : patch),
      )
      : await notes.update(reader, id, patch);
    if (isAccessChanged) await accessChanged(id);
    noteChanged(note);
    return note;
  }

  const update = async (c: Context<HttpEnv, "/:id">) => {
    const { data, ...given } = await readJson(c, NotePatchSchema);
    const patch: NotePatch = data ? { ...given, data: await withOwnHtml(data) } : given;
    return await sendJson(c, await change(readerOf(c.get("user")), c.req.param("id"), patch));
  };
  routes.post("/:id/update", update);
  routes.post("/:id/access/update", update);

  routes.get("/:id/access", async (c) => {
    const shared = await notes.shared(readerOf(c.get("user")), c.req.param("id"));
    const principals = await Promise.all(shared.map(async (principal) => ({
      ...principal,
      name: principal.principal_type === "user"
        ? (await publicUser(principal.principal_id))?.name
        : await options.groupName(principal.principal_id),
    })));
    return c.json({ principals: principals.filter(({ name }) => name !== undefined) });
  });

  routes.get(
    "/:id/versions",
    async (c) => c.json(await notes.versions(readerOf(c.get("user")), c.req.param("id"))),
  );

  routes.get("/:id/versions/:version_id", async (c) => {
    const { id, version_id } = c.req.param();
    return await sendJson(c, await notes.version(readerOf(c.get("user")), id, version_id));
  });

  routes.post("/:id/versions/:version_id/restore", async (c) => {
    const { id, version_id } = c.req.param();
    const reader = readerOf(c.get("user"));
    const { content } = await notes.version(reader, id, version_id);
    await notes.requireWrite(reader, id);
    await options.saveNow(id);
    await notes.keepVersion(id);
    const html = await htmlOf(content as NoteSnapshot);
    return await sendJson(c, await change(reader, id, { data: { content: { ...content, html } } }));
  });

  routes.delete("/:id/delete", async (c) => {
    const id = c.req.param("id");
    await notes.delete(readerOf(c.get("user")), id);
    await noteDeleted(id);
    return c.json(true);
  });

  return routes;
}

function withoutText({ data, ...patch }: NotePatch): NotePatch {
  const { content: _, ...rest } = data ?? {};
  return { ...patch, data: rest };
}
