import { useEffect, useRef, useState } from "preact/hooks";
import { messageOf } from "../../client/errors.ts";
import type { JsonNode } from "../../note_schema/json_node.ts";
import type { NoteContent, NoteVersion } from "../../protocol/note.ts";
import type { AppSession } from "../app_session.ts";
import type { DialogProps } from "../chats/lazy_dialog.tsx";
import { MarkdownView } from "../text/markdown_view.tsx";
import { Icon } from "../ui/icons.tsx";
import { Modal } from "../ui/modal.tsx";
import { EmptyState, ErrorState, Loading } from "../ui/states.tsx";
import { toast } from "../ui/toasts.tsx";
import { showText } from "./note_editor.ts";

export interface VersionsDialogProps {
  session: AppSession;
  noteId: string;
  mayWrite: boolean;
}

const moment = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const momentOf = ({ saved_at }: NoteVersion) => moment.format(new Date(saved_at * 1000));

/** Earlier texts of a note: one is looked at, and may become the note's own again. */
export function VersionsDialog(props: VersionsDialogProps & DialogProps) {
  const { session, noteId, mayWrite, onClose } = props;
  const [versions, setVersions] = useState<readonly NoteVersion[]>();
  const [chosen, setChosen] = useState<NoteVersion>();
  const [fault, setFault] = useState<string>();
  const [isRestoring, setRestoring] = useState(false);

  const load = () => {
    setFault(undefined);
    session.api("GET /api/v1/notes/{id}/versions", { params: { id: noteId } }).then((found) => {
      setVersions(found);
      setChosen(found[0]);
    }, (thrown) => setFault(messageOf(thrown)));
  };
  useEffect(load, [session, noteId]);

  async function restore(version: NoteVersion) {
    setRestoring(true);
    setFault(undefined);
    try {
      await session.api("POST /api/v1/notes/{id}/versions/{version_id}/restore", {
        params: { id: noteId, version_id: version.id },
      });
      toast(`The text of ${momentOf(version)} is back. What stood there is kept.`, "success");
      onClose();
    } catch (thrown) {
      setFault(messageOf(thrown));
      setRestoring(false);
    }
  }

  return (
    <Modal label="Earlier versions" class="versions" onClose={onClose}>
      <div class="about-head">
        <h2>Earlier versions</h2>
        <button type="button" class="icon-button" aria-label="Close" onClick={onClose}>
          <Icon name="close" />
        </button>
      </div>
      {versions === undefined && fault !== undefined
        ? <ErrorState text={fault} onRetry={load} />
        : versions === undefined
        ? <Loading what="earlier versions" />
        : versions.length === 0
        ? (
          <EmptyState icon="history" title="No earlier versions yet">
            <p>While a note is edited, its text is kept every ten minutes.</p>
          </EmptyState>
        )
        : (
          <>
            <div class="version-panes">
              <ul aria-label="Versions">
                {versions.map((version) => (
                  <li key={version.id}>
                    <button
                      type="button"
                      aria-pressed={version === chosen}
                      onClick={() => setChosen(version)}
                    >
                      <time dateTime={new Date(version.saved_at * 1000).toISOString()}>
                        {momentOf(version)}
                      </time>
                      <small dir="auto">{version.preview}</small>
                    </button>
                  </li>
                ))}
              </ul>
              {chosen && <VersionText session={session} noteId={noteId} id={chosen.id} />}
            </div>
            {fault && <p class="error" role="alert">{fault}</p>}
            {mayWrite && chosen && (
              <div class="buttons">
                <button
                  type="button"
                  class="primary"
                  disabled={isRestoring}
                  onClick={() => void restore(chosen)}
                >
                  Restore this version
                </button>
              </div>
            )}
          </>
        )}
    </Modal>
  );
}

function VersionText({ session, noteId, id }: {
  session: AppSession;
  noteId: string;
  id: string;
}) {
  const [content, setContent] = useState<NoteContent>();
  const [fault, setFault] = useState<string>();
  useEffect(() => {
    let isWanted = true;
    setContent(undefined);
    setFault(undefined);
    session.api("GET /api/v1/notes/{id}/versions/{version_id}", {
      params: { id: noteId, version_id: id },
    }).then(
      (version) => isWanted && setContent(version.content),
      (thrown) => isWanted && setFault(messageOf(thrown)),
    );
    return () => void (isWanted = false);
  }, [session, noteId, id]);
  return (
    <section class="version-text" aria-label="Text of the version" tabIndex={0}>
      {fault
        ? <p class="error" role="alert">{fault}</p>
        : content
        ? content.json
          ? <FormedText json={content.json} />
          : <MarkdownView text={content.md ?? ""} />
        : <Loading what="the version" />}
    </section>
  );
}

function FormedText({ json }: { json: JsonNode }) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!place.current) return;
    const shown = showText(place.current, json);
    return () => shown.destroy();
  }, [json]);
  return <div ref={place}></div>;
}
