/// <reference lib="dom" />
/** The editors that people know, each on a provider of the library; bundled for the test that opens it. */
import { EditorState } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { Editor } from "@tiptap/core";
import Collaboration from "@tiptap/extension-collaboration";
import CollaborationCaret from "@tiptap/extension-collaboration-caret";
import StarterKit from "@tiptap/starter-kit";
import { yCollab } from "y-codemirror.next";
import { connect } from "../../../lib/client/connect.ts";
import { DocumentProvider } from "../../../lib/client/document_provider.ts";

export interface EditorPlace {
  editor: "tiptap" | "codemirror";
  token: string;
  documentId: string;
  user: { id: string; name: string; color: string };
}

const LIMIT_MS = 30_000;
/** As TipTap's guide has it: a name above the caret, and no part of the line. */
const CARETS = `
  .collaboration-carets__caret { position: relative; border-left: 1px solid; margin: 0 -1px; pointer-events: none; }
  .collaboration-carets__label { position: absolute; top: -1.4em; left: -1px; white-space: nowrap; }
`;

function openTipTap(element: HTMLElement, provider: DocumentProvider, user: EditorPlace["user"]) {
  new Editor({
    element,
    extensions: [
      // Undo is the document's own, so that nobody takes back what others wrote. No empty line is
      // added at the end: y-prosemirror mixes up what several begin in one empty line.
      StarterKit.configure({ undoRedo: false, trailingNode: false }),
      // The fragment of Open WebUI's editor.
      Collaboration.configure({ fragment: provider.doc.getXmlFragment("prosemirror") }),
      CollaborationCaret.configure({ provider, user }),
    ],
  });
}

function openCodeMirror(parent: HTMLElement, provider: DocumentProvider) {
  const text = provider.doc.getText("codemirror");
  const state = EditorState.create({
    doc: text.toString(),
    extensions: [yCollab(text, provider.awareness), EditorView.lineWrapping],
  });
  new EditorView({ state, parent });
}

/** Opens one; resolves once the document is there. */
async function openPlace({ editor, token, documentId, user }: EditorPlace): Promise<void> {
  const style = document.createElement("style");
  style.textContent = CARETS;
  document.body.replaceChildren(style);
  const provider = new DocumentProvider({ connection: connect({ token }), documentId, user });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(() => reject(new Error("The document did not come.")), LIMIT_MS);
  provider.onStatus(({ state }) => state === "synced" && resolve());
  await promise;
  clearTimeout(timer);
  if (editor === "tiptap") openTipTap(document.body, provider, user);
  else openCodeMirror(document.body, provider);
}

Object.assign(globalThis, { openPlace });
