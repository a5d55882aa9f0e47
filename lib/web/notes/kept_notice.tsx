import { useState } from "preact/hooks";
import * as Y from "yjs";
import type { KeptEdits } from "../../client/document_status.ts";
import { messageOf } from "../../client/errors.ts";
import { FRAGMENT, toJson } from "../../note_schema/yjs_content.ts";
import type { AppSession } from "../app_session.ts";
import { go } from "../route.ts";
import { confirm } from "../ui/dialogs.tsx";
import { toast } from "../ui/toasts.tsx";
import { editsInWords } from "./note_status.tsx";

interface KeptNoticeProps {
  session: AppSession;
  title: string;
  kept: readonly KeptEdits[];
  /** Why they can't go into the note. */
  why: string;
  /** Takes them out of this browser. */
  forget(): Promise<void>;
}

/** Edits that a note does not take any more: they become a note of their own, or go. */
export function KeptNotice({ session, title, kept, why, forget }: KeptNoticeProps) {
  const [isBusy, setBusy] = useState(false);
  const count = kept.reduce((sum, one) => sum + one.count, 0);

  async function attempt(work: () => Promise<void>) {
    setBusy(true);
    try {
      await work();
    } catch (thrown) {
      toast(messageOf(thrown), "error");
    } finally {
      setBusy(false);
    }
  }

  async function makeNote() {
    const doc = new Y.Doc();
    for (const { state } of kept) Y.applyUpdate(doc, state);
    const json = { ...toJson(doc.getXmlFragment(FRAGMENT)) };
    const note = await session.api("POST /api/v1/notes/create", {
      body: { title: `${title || "Untitled"} (my edits)`, data: { content: { json } } },
    });
    await forget();
    go("note", note.id);
  }

  async function discard() {
    const title = `Discard ${editsInWords(count)}?`;
    const message = "They are nowhere but in this browser.";
    if (!await confirm({ title, message, yes: "Discard", isDanger: true })) return;
    await forget();
    go("notes");
  }

  return (
    <div class="notice" role="alert">
      {editsInWords(count)} of yours could not be saved in this note: {why}{" "}
      <button
        type="button"
        class="link"
        disabled={isBusy}
        onClick={() => void attempt(makeNote)}
      >
        Make a note of them
      </button>{" "}
      <button type="button" class="link" disabled={isBusy} onClick={() => void attempt(discard)}>
        Discard
      </button>
    </div>
  );
}
