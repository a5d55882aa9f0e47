import { useEffect, useState } from "preact/hooks";
import { messageOf } from "../client/errors.ts";
import type { Note, NoteSummary } from "../protocol/note.ts";
import type { AppSession } from "./app_session.ts";
import { addressOf, go } from "./route.ts";
import { EmptyState, ErrorState, Loading } from "./states.tsx";
import { when } from "./times.ts";
import { toast } from "./toasts.tsx";

type ListedNote = NoteSummary & { user?: { name: string } | null };

/** All notes that one may read. */
export function NotesPage({ session }: { session: AppSession }) {
  const [notes, setNotes] = useState<readonly ListedNote[]>();
  const [error, setError] = useState<string>();
  const [isCreating, setCreating] = useState(false);

  const load = () => {
    setError(undefined);
    session.api<ListedNote[]>("GET", "/api/v1/notes/")
      .then(setNotes, (thrown) => setError(messageOf(thrown)));
  };
  useEffect(load, [session]);

  async function create() {
    setCreating(true);
    try {
      const note = await session.api<Note>("POST", "/api/v1/notes/create", { title: "Untitled" });
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
            ? <ErrorState text={error} onRetry={load} />
            : notes === undefined
            ? <Loading what="notes" />
            : notes.length === 0
            ? (
              <EmptyState icon="note" title="No notes yet">
                <p>Write something down. Others can write with you at the same time.</p>
              </EmptyState>
            )
            : (
              <ul class="note-list">
                {notes.map(({ id, title, data, updated_at, user, user_id }) => (
                  <li key={id}>
                    <a href={addressOf("note", id)}>
                      <strong>{title || "Untitled"}</strong>
                      <p>{plain(data?.content?.md ?? "")}</p>
                      <time dateTime={new Date(updated_at * 1000).toISOString()}>
                        {when(updated_at)}
                        {user && user_id !== session.me.id && ` · ${user.name}`}
                      </time>
                    </a>
                  </li>
                ))}
              </ul>
            )}
        </div>
      </div>
    </main>
  );
}

/** A text's beginning without its marks. */
const plain = (markdown: string) => markdown.replace(/[#*_`>]+/g, "").slice(0, 240);
