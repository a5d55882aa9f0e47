import { useRef } from "preact/hooks";
import { isClientError, messageOf } from "../../client/errors.ts";
import { useStore } from "../../client/react/use_store.ts";
import { type AccessGrant, EVERYONE, principalName } from "../../protocol/access_grants.ts";
import type { OpenNote } from "../../protocol/http_routes.ts";
import type { NotePatch } from "../../protocol/note.ts";
import type { AppSession } from "../app_session.ts";
import { useLazyDialog } from "../chats/lazy_dialog.tsx";
import { forgetEdits, type KeptNote } from "../personal_database.ts";
import { addressOf, go } from "../route.ts";
import { confirm } from "../ui/dialogs.tsx";
import { Icon } from "../ui/icons.tsx";
import { usePageTitle } from "../ui/page_title.ts";
import { useShortcuts } from "../ui/shortcuts.ts";
import { toast } from "../ui/toasts.tsx";
import { KeptNotice } from "./kept_notice.tsx";
import { NotePeople } from "./note_people.tsx";
import { NoteStatus } from "./note_status.tsx";
import { NoteTitle } from "./note_title.tsx";
import { NoteTools } from "./note_tools.tsx";
import type { ShareDialogProps } from "./share_dialog.tsx";
import { SlashMenu } from "./slash_menu.tsx";
import { useNoteEditor } from "./use_note_editor.ts";
import type { VersionsDialogProps } from "./versions_dialog.tsx";

const loadVersions = async () => (await import("./note_dialogs.ts")).VersionsDialog;
const loadShareDialog = async () => (await import("./note_dialogs.ts")).ShareDialog;

const KEYS = [
  { keys: "/", what: "What can stand here" },
  { keys: "Ctrl+K", what: "Make a link of the selected words" },
  { keys: "Ctrl+Shift+V", what: "Paste Markdown as it is written" },
  { keys: "Esc, Tab", what: "Leave the text" },
].map((line) => ({ ...line, where: "In a note" }));

interface OpenNotePageProps {
  session: AppSession;
  note: OpenNote;
  /** What earlier pages have kept of this note in this browser, as it is on the first drawing. */
  kept: readonly KeptNote[];
  onChange: (changed: Partial<OpenNote>) => void;
}

/** A note with its text, its title, and who is there. */
export function OpenNotePage({ session, note, kept, onChange }: OpenNotePageProps) {
  const mayWrite = note.write_access !== false;
  const title = useRef(note.title);
  title.current = note.title;
  usePageTitle(note.title || "Untitled");
  useShortcuts(KEYS);
  const opened = useNoteEditor(session, {
    ...{ noteId: note.id, mayWrite, kept },
    title: () => title.current,
  });
  const { place, editor, menu, provider, status, isKept, people, stale } = opened;
  const connection = useStore(session.connection);
  const isOwner = note.user_id === session.me.id || session.me.role === "admin";
  const [shareDialog, openShare] = useLazyDialog<ShareDialogProps>(loadShareDialog);
  const [versions, openVersions] = useLazyDialog<VersionsDialogProps>(loadVersions);
  const onShared = (access_grants: AccessGrant[]) => onChange({ access_grants });

  /** Resolves to whether the change is stored. */
  async function update(change: NotePatch): Promise<boolean> {
    try {
      const updated = await session.api("POST /api/v1/notes/{id}/update", {
        params: { id: note.id },
        body: change,
      });
      onChange(updated);
      return true;
    } catch (thrown) {
      // The status says that there is no connection; it is stored with the next one.
      if (!isClientError(thrown, "offline")) toast(messageOf(thrown), "error");
      return false;
    }
  }

  async function remove(): Promise<void> {
    const message = "It is gone for everybody, for good.";
    if (!await confirm({ title: "Delete this note?", message, yes: "Delete", isDanger: true })) {
      return;
    }
    try {
      await session.api("DELETE /api/v1/notes/{id}/delete", { params: { id: note.id } });
      go("notes");
    } catch (thrown) {
      toast(messageOf(thrown), "error");
    }
  }

  const isLost = status.state === "refused" && status.code !== "too_large";
  const lost = isLost ? provider?.keep() : undefined;
  return (
    <main tabIndex={-1}>
      <div class="bar">
        <a class="icon-button" href={addressOf("notes")} aria-label="All notes">
          <Icon name="back" />
        </a>
        <NoteStatus
          status={status}
          isLoaded={provider?.isLoaded ?? false}
          isKept={isKept}
          mayWrite={mayWrite}
        />
        <span class="spacer"></span>
        <NotePeople people={people} editor={editor} />
        <button
          type="button"
          class="icon-button"
          aria-label="Earlier versions"
          title="Earlier versions"
          aria-haspopup="dialog"
          onClick={() => openVersions({ session, noteId: note.id, mayWrite })}
        >
          <Icon name="history" />
        </button>
        {isOwner && (
          <button
            type="button"
            class="icon-button"
            aria-label="Share"
            aria-haspopup="dialog"
            title={sharedWith(note.access_grants)}
            onClick={() => openShare({ session, note, onShared })}
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
            isNew={mayWrite && note.title === "" && !note.data?.content?.md}
            isOnline={connection.state === "online"}
            onSave={(title) => update({ title })}
            onEnter={() => editor?.commands.focus()}
          />
          {mayWrite && <NoteTools editor={editor} />}
          <div class="editor" ref={place}></div>
          <SlashMenu state={menu} text={editor?.view.dom} />
        </div>
      </div>
      {lost && (
        <KeptNotice
          session={session}
          title={note.title}
          kept={[lost]}
          why={status.reason ?? ""}
          forget={opened.forget}
        />
      )}
      {stale.length > 0 && (
        <KeptNotice
          session={session}
          title={note.title}
          kept={stale}
          why={mayWrite ? "they are too old to fit it." : "you may only read it now."}
          forget={async () => {
            for (const { key } of stale) await forgetEdits(session.me.id, key);
          }}
        />
      )}
      {shareDialog}
      {versions}
    </main>
  );
}

/** With whom a note is shared, in few words. */
function sharedWith(grants: readonly AccessGrant[]): string {
  if (grants.length === 0) return "Only you can see this note";
  const isPublic = grants.some(({ principal_id }) => principal_id === EVERYONE);
  const count = new Set(grants.map(principalName)).size;
  return isPublic ? "Shared with everybody here" : `Shared with ${count}`;
}
