import type { Editor } from "@tiptap/core";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { useDocument, usePresence } from "../../client/react/use_document.ts";
import type { AppSession } from "../app_session.ts";
import { isFresh, type KeptNote } from "../personal_database.ts";
import { colourOf } from "../ui/colours.ts";
import { Observable, useValue } from "../ui/observable.ts";
import { deliverEdits } from "./deliver_edits.ts";
import { EditKeeper } from "./edit_keeper.ts";
import { openEditor } from "./note_editor.ts";
import type { SlashMenuState } from "./slash_menu.tsx";

interface NoteEditorOptions {
  noteId: string;
  mayWrite: boolean;
  /** What the note is called by now. */
  title(): string;
  /** What earlier pages have kept, as it is on the first drawing. */
  kept: readonly KeptNote[];
}

const always = new Observable(true);

/** The editor of a note on its shared document, and what becomes of what is written in it. */
export function useNoteEditor(session: AppSession, options: NoteEditorOptions) {
  const { noteId, mayWrite, title } = options;
  const place = useRef<HTMLDivElement>(null);
  const [editor, setEditor] = useState<Editor>();
  const [keeper, setKeeper] = useState<EditKeeper>();
  const menu = useMemo((): SlashMenuState => new Observable(undefined), []);
  // What may not be merged any more is shown apart, and decided on by its person.
  const { kept, stale } = useMemo(() => {
    const { true: kept = [], false: stale = [] } = Object.groupBy(
      options.kept,
      (one) => String(mayWrite && isFresh(one)) as "true" | "false",
    );
    return { kept, stale };
  }, []);
  const { id, name } = session.me;
  const user = { id, name, color: colourOf(id) };
  const { provider, status } = useDocument(`note:${noteId}`, { user, kept });
  const people = usePresence(provider);

  useEffect(() => {
    if (!provider) return;
    const opened = new EditKeeper({ personId: id, noteId, title, provider, kept });
    setKeeper(opened);
    return () => {
      setKeeper(undefined);
      // What was on its way when the page was left is sent again, and then forgotten.
      void opened.close().then((isLeft) => isLeft && void deliverEdits(session));
    };
  }, [provider]);

  useEffect(() => {
    if (!place.current || !provider) return;
    const isEditable = () => {
      const { state, code } = provider.status;
      // Of what is too large something can be deleted.
      const isTaken = state !== "refused" || code === "too_large";
      return mayWrite && provider.isLoaded && isTaken;
    };
    const opened = openEditor(place.current, provider, { isEditable, menu });
    setEditor(opened);
    // The view asks with the next change of the text only.
    let wasEditable = isEditable();
    const off = provider.onStatus(() => {
      if (wasEditable === isEditable()) return;
      wasEditable = !wasEditable;
      opened.view.setProps({});
    });
    return () => {
      off();
      setEditor(undefined);
      opened.destroy();
    };
  }, [provider, mayWrite]);

  const isKept = useValue(keeper?.isKept ?? always);
  const forget = () => keeper?.forget() ?? Promise.resolve();
  return { place, editor, menu, provider, status, isKept, people, stale, forget };
}
