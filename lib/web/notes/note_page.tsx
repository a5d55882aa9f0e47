import { useEffect, useState } from "preact/hooks";
import { isClientError, messageOf } from "../../client/errors.ts";
import type { OpenNote } from "../../protocol/http_routes.ts";
import type { Note } from "../../protocol/note.ts";
import type { AppSession } from "../app_session.ts";
import { forgetEdits, keptEdits, type KeptNote } from "../personal_database.ts";
import { ErrorState, Loading } from "../ui/states.tsx";
import { KeptNotice } from "./kept_notice.tsx";
import { OpenNotePage } from "./open_note.tsx";

/** A note, edited together. */
export function NotePage({ session, id }: { session: AppSession; id: string }) {
  const [note, setNote] = useState<OpenNote>();
  const [kept, setKept] = useState<readonly KeptNote[]>();
  const [error, setError] = useState<unknown>();
  const load = () => {
    setError(undefined);
    void keptEdits(session.me.id)
      .then((all) => setKept(all.filter(({ noteId }) => noteId === id)));
    session.api("GET /api/v1/notes/{id}", { params: { id } })
      .then(setNote, setError);
  };
  useEffect(load, [session, id]);
  const onChange = (changed: Partial<OpenNote>) => setNote((now) => now && { ...now, ...changed });
  useNoteChanges(session, id, onChange);

  if (note && kept) {
    return <OpenNotePage session={session} note={note} kept={kept} onChange={onChange} />;
  }
  return (
    <main tabIndex={-1}>
      <h1 class="bar">Note</h1>
      {error === undefined
        ? (
          <div class="sheet">
            <Loading what="the note" />
          </div>
        )
        : <ErrorState text={messageOf(error)} onRetry={load} />}
      {isClientError(error, "not_found", "forbidden") && kept?.[0] && (
        <KeptNotice
          session={session}
          title={kept[0].title}
          kept={kept}
          why={messageOf(error)}
          forget={() => forgetAll(session.me.id, kept)}
        />
      )}
    </main>
  );
}

async function forgetAll(personId: string, kept: readonly KeptNote[]): Promise<void> {
  for (const { key } of kept) await forgetEdits(personId, key);
}

/** What others change of a note beside its text. */
function useNoteChanges(
  { connection }: AppSession,
  id: string,
  onChange: (changed: Pick<Note, "title" | "access_grants">) => void,
): void {
  useEffect(() => {
    const join = () => {
      // Who may not, or has no connection now, hears nothing; the note itself says why.
      connection.ask("join-note", { note_id: id }).catch(() => undefined);
    };
    const ends = [
      connection.onOnline(join),
      connection.on("events:note", ({ id: changedId, title, access_grants }) => {
        if (changedId === id) onChange({ title, access_grants });
      }),
    ];
    join();
    return () => ends.forEach((end) => end());
  }, [connection, id]);
}
