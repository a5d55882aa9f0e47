import { useEffect, useRef, useState } from "preact/hooks";
import type { DocumentStatus } from "../../client/document_status.ts";
import { type Present, useDocument, usePresence } from "../../client/react/use_document.ts";
import { messageOf } from "../../client/errors.ts";
import type { AccessGrant } from "../../protocol/access_grants.ts";
import type { OpenNote } from "../../protocol/http_routes.ts";
import type { Note, NotePatch } from "../../protocol/note.ts";
import { colourOf, initialsOf } from "../ui/colours.ts";
import { confirm } from "../ui/dialogs.tsx";
import type { AppSession } from "../app_session.ts";
import { Icon, type IconName } from "../ui/icons.tsx";
import { type NoteEditor, openEditor, type Tool } from "./note_editor.ts";
import { NoteTitle } from "./note_title.tsx";
import { addressOf, go } from "../route.ts";
import { usePageTitle } from "../ui/page_title.ts";
import { ErrorState, Loading } from "../ui/states.tsx";
import { toast } from "../ui/toasts.tsx";

const EVERYONE: AccessGrant[] = [
  { principal_type: "user", principal_id: "*", permission: "read" },
  { principal_type: "user", principal_id: "*", permission: "write" },
];
const STATES: Record<DocumentStatus["state"], string> = {
  connecting: "Opening…",
  offline: "Not connected: your edits are kept",
  syncing: "Saving…",
  synced: "Saved",
  refused: "Not saved",
};
const TOOLS: readonly { tool: Tool; icon: IconName; label: string }[] = [
  { tool: "bold", icon: "bold", label: "Bold" },
  { tool: "italic", icon: "italic", label: "Italic" },
  { tool: "heading", icon: "heading", label: "Heading" },
  { tool: "bullets", icon: "bullets", label: "List" },
  { tool: "numbers", icon: "numbers", label: "Numbered list" },
  { tool: "quote", icon: "quote", label: "Quote" },
  { tool: "codeBlock", icon: "code", label: "Code" },
];

/** A note, edited together. */
export function NotePage({ session, id }: { session: AppSession; id: string }) {
  const [note, setNote] = useState<OpenNote>();
  const [error, setError] = useState<string>();
  const load = () => {
    setError(undefined);
    session.api("GET /api/v1/notes/{id}", { params: { id } })
      .then(setNote, (thrown) => setError(messageOf(thrown)));
  };
  useEffect(load, [session, id]);
  useNoteChanges(session, id, (changed) => setNote((now) => now && { ...now, ...changed }));

  if (error !== undefined) {
    return (
      <main tabIndex={-1}>
        <h1 class="bar">Note</h1>
        <ErrorState text={error} onRetry={load} />
      </main>
    );
  }
  if (!note) {
    return (
      <main tabIndex={-1}>
        <h1 class="bar">Note</h1>
        <div class="sheet">
          <Loading what="the note" />
        </div>
      </main>
    );
  }
  return <OpenNotePage session={session} note={note} onNote={setNote} />;
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

interface OpenNotePageProps {
  session: AppSession;
  note: OpenNote;
  onNote: (note: OpenNote) => void;
}

function OpenNotePage({ session, note, onNote }: OpenNotePageProps) {
  const mayWrite = note.write_access !== false;
  usePageTitle(note.title || "Untitled");
  const { place, editor, status, people } = useEditor(session, note.id, mayWrite);
  const isShared = note.access_grants.some(({ principal_id }) => principal_id === "*");
  const isOwner = note.user_id === session.me.id || session.me.role === "admin";

  /** Resolves to whether the change is stored. */
  async function update(change: NotePatch): Promise<boolean> {
    try {
      const updated = await session.api("POST /api/v1/notes/{id}/update", {
        params: { id: note.id },
        body: change,
      });
      onNote({ ...note, ...updated });
      return true;
    } catch (thrown) {
      toast(messageOf(thrown), "error");
      return false;
    }
  }

  async function remove(): Promise<void> {
    const message = "It is gone for everybody, for good.";
    if (!await confirm({ title: "Delete this note?", message, yes: "Delete" })) return;
    try {
      await session.api("DELETE /api/v1/notes/{id}/delete", { params: { id: note.id } });
      go("notes");
    } catch (thrown) {
      toast(messageOf(thrown), "error");
    }
  }

  return (
    <main tabIndex={-1}>
      <div class="bar">
        <a class="icon-button" href={addressOf("notes")} aria-label="All notes">
          <Icon name="back" />
        </a>
        <span class="hint" role="status">
          {mayWrite ? status.reason ?? STATES[status.state] : "You can read this note"}
        </span>
        <span class="spacer"></span>
        <span class="people" aria-label="Here now">
          {people.map(({ clientId, name, colour }) => (
            <span key={clientId} class="person" style={{ background: colour }} title={name}>
              {initialsOf(name)}
            </span>
          ))}
        </span>
        {isOwner && (
          <button
            type="button"
            class="icon-button"
            aria-label={isShared ? "Stop sharing" : "Share with everybody here"}
            title={isShared ? "Shared with everybody here" : "Only you can see this note"}
            aria-pressed={isShared}
            onClick={() => void update({ access_grants: isShared ? [] : EVERYONE })}
          >
            <Icon name="share" />
          </button>
        )}
        {isOwner && (
          <button type="button" class="icon-button" aria-label="Delete the note" onClick={remove}>
            <Icon name="trash" />
          </button>
        )}
      </div>
      <div class="scroll">
        <div class="sheet">
          <NoteTitle
            title={note.title}
            mayWrite={mayWrite}
            onSave={(title) => update({ title })}
            onEnter={() => editor.current?.focus()}
          />
          {mayWrite && (
            <div class="tools" role="toolbar" aria-label="Formatting">
              {TOOLS.map(({ tool, icon, label }) => (
                <button
                  key={tool}
                  type="button"
                  class="icon-button"
                  aria-label={label}
                  title={label}
                  onMouseDown={(event) => event.preventDefault()}
                  onClick={() => editor.current?.apply(tool)}
                >
                  <Icon name={icon} />
                </button>
              ))}
            </div>
          )}
          <div class="editor" ref={place}></div>
        </div>
      </div>
    </main>
  );
}

function useEditor(session: AppSession, noteId: string, mayWrite: boolean) {
  const place = useRef<HTMLDivElement>(null);
  const editor = useRef<NoteEditor>(undefined);
  const { id, name } = session.me;
  const user = { id, name, color: colourOf(id) };
  const { provider, status } = useDocument(`note:${noteId}`, { user });
  const people = usePresence(provider);
  useEffect(() => {
    if (!place.current || !provider) return;
    const isEditable = () => mayWrite && provider.status.state !== "refused";
    const opened = openEditor(place.current, provider, { isEditable });
    editor.current = opened;
    return () => opened[Symbol.dispose]();
  }, [provider, mayWrite]);
  return { place, editor, status, people: people.map(shown) };
}

/** What somebody says of themselves is shown as far as it is what it should be. */
function shown({ clientId, user: { name, color } }: Present) {
  const colour = /^#[0-9a-f]{6}$/i.test(color) ? color : "#5c5f56";
  return { clientId, name: String(name), colour };
}
