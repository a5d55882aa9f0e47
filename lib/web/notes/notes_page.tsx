import { useEffect, useRef, useState } from "preact/hooks";
import { messageOf } from "../../client/errors.ts";
import type { ItemOf } from "../../client/api.ts";
import type { AppSession } from "../app_session.ts";
import { keptEdits } from "../personal_database.ts";
import { addressOf, go } from "../route.ts";
import { EmptyState, ErrorState, Loading } from "../ui/states.tsx";
import { when } from "../ui/times.ts";
import { toast } from "../ui/toasts.tsx";
import { editsInWords } from "./note_status.tsx";

type ListedNote = ItemOf<"GET /api/v1/notes/">;

/** How often what others have changed is looked for, in milliseconds. */
const REFRESH_MS = 10_000;
/** How often it is looked whether edits are still kept here only, in milliseconds. */
const LOOK_MS = 2_000;

/** The notes that one may read, the last changed first: page after page, and what others change. */
function useNotes(session: AppSession) {
  const [notes, setNotes] = useState<readonly ListedNote[]>();
  const [error, setError] = useState<string>();
  const [hasMore, setMore] = useState(false);
  /** How many pages are shown; the list is read anew up to there. */
  const shown = useRef(1);
  const reading = useRef<Promise<void>>(undefined);

  async function read(count: number): Promise<void> {
    try {
      const found = new Map<string, ListedNote>();
      let cursor: string | undefined;
      let pages = 0;
      do {
        const page = await session.api.page("GET /api/v1/notes/", {
          query: cursor ? { cursor } : {},
        });
        for (const note of page.items) found.set(note.id, note);
        cursor = page.cursor;
        pages++;
      } while (cursor !== undefined && pages < count);
      shown.current = count;
      setMore(cursor !== undefined);
      setNotes([...found.values()]);
      setError(undefined);
    } catch (thrown) {
      // What is shown stays; the next look may find the server again.
      setNotes((known) => {
        if (known === undefined) setError(messageOf(thrown));
        return known;
      });
    }
  }
  const load = (count = shown.current) =>
    reading.current ??= read(count).finally(() => reading.current = undefined);

  useEffect(() => {
    void load(1);
    const refresh = () => document.visibilityState === "visible" && void load();
    // The longer the list, the rarer it is read anew.
    let ticks = 0;
    const timer = setInterval(() => ++ticks % shown.current === 0 && refresh(), REFRESH_MS);
    const offOnline = session.connection.onOnline(refresh);
    addEventListener("focus", refresh);
    document.addEventListener("visibilitychange", refresh);
    return () => {
      clearInterval(timer);
      offOnline();
      removeEventListener("focus", refresh);
      document.removeEventListener("visibilitychange", refresh);
    };
  }, [session]);
  return { notes, error, hasMore, reload: () => void load(), more: () => load(shown.current + 1) };
}

/** What has been written into notes and is only in this browser: how many edits, by the note's id. */
function useUnsaved({ me, connection }: AppSession): ReadonlyMap<string, number> {
  const [unsaved, setUnsaved] = useState<ReadonlyMap<string, number>>(new Map());
  useEffect(() => {
    let isThere = true;
    async function look() {
      const counts = new Map<string, number>();
      for (const { noteId, count } of await keptEdits(me.id)) {
        counts.set(noteId, (counts.get(noteId) ?? 0) + count);
      }
      if (isThere) setUnsaved((before) => before.size + counts.size === 0 ? before : counts);
    }
    void look();
    const timer = setInterval(() => void look(), LOOK_MS);
    const off = connection.onStatus(() => void look());
    return () => {
      isThere = false;
      clearInterval(timer);
      off();
    };
  }, [me.id, connection]);
  return unsaved;
}

/** All notes that one may read. */
export function NotesPage({ session }: { session: AppSession }) {
  const { notes, error, hasMore, reload, more } = useNotes(session);
  const unsaved = useUnsaved(session);
  const [isCreating, setCreating] = useState(false);

  async function create() {
    setCreating(true);
    try {
      const note = await session.api("POST /api/v1/notes/create", { body: { title: "" } });
      go("note", note.id);
    } catch (thrown) {
      toast(messageOf(thrown), "error");
      setCreating(false);
    }
  }

  return (
    <main tabIndex={-1}>
      <div class="bar">
        <h1>Notes</h1>
        <span class="spacer"></span>
        <button type="button" class="primary" disabled={isCreating} onClick={create}>
          New note
        </button>
      </div>
      <div class="scroll">
        <div class="sheet wide">
          {error !== undefined
            ? <ErrorState text={error} onRetry={reload} />
            : notes === undefined
            ? <Loading what="notes" />
            : notes.length === 0
            ? (
              <EmptyState icon="note" title="No notes yet">
                <p>Write something down. Others can write with you at the same time.</p>
              </EmptyState>
            )
            : (
              <>
                <ul class="note-list">
                  {notes.map((note) => (
                    <li key={note.id}>
                      <ListedNoteView
                        note={note}
                        meId={session.me.id}
                        unsaved={unsaved.get(note.id) ?? 0}
                      />
                    </li>
                  ))}
                </ul>
                {hasMore && <More onMore={more} />}
              </>
            )}
        </div>
      </div>
    </main>
  );
}

function ListedNoteView({ note, meId, unsaved }: {
  note: ListedNote;
  meId: string;
  unsaved: number;
}) {
  const { id, title, data, updated_at, user, user_id } = note;
  return (
    <a href={addressOf("note", id)}>
      <strong dir="auto">{title || "Untitled"}</strong>
      <p dir="auto">{plain(data?.content?.md ?? "")}</p>
      <time dateTime={new Date(updated_at * 1000).toISOString()}>
        {when(updated_at)}
        {user && user_id !== meId && ` · ${user.name}`}
      </time>
      {unsaved > 0 && <span class="unsaved">{editsInWords(unsaved)} not saved yet</span>}
    </a>
  );
}

/** Loads more when it comes into view, or is asked to. */
function More({ onMore }: { onMore: () => Promise<void> }) {
  const button = useRef<HTMLButtonElement>(null);
  const [isLoading, setLoading] = useState(false);
  const load = async () => {
    setLoading(true);
    await onMore();
    setLoading(false);
  };
  useEffect(() => {
    if (isLoading || !button.current) return;
    const observer = new IntersectionObserver(([seen]) => {
      if (seen?.isIntersecting) void load();
    });
    observer.observe(button.current);
    return () => observer.disconnect();
  }, [isLoading]);
  return (
    <button
      type="button"
      class="quiet"
      ref={button}
      disabled={isLoading}
      onClick={() => void load()}
    >
      {isLoading ? "Loading…" : "Show more notes"}
    </button>
  );
}

/** A text's beginning without its marks, and without what pictures are made of. */
const plain = (markdown: string) =>
  markdown.slice(0, 2_000).replace(/!\[([^\]]*)\]\([^)]*\)?/g, "$1").replace(/[#*_`>]+/g, "")
    .slice(0, 240);
