import { Extension } from "@tiptap/core";
import { Plugin, PluginKey, type Transaction } from "prosemirror-state";
import { redo, undo, yCursorPlugin, ySyncPluginKey, yUndoPlugin } from "y-prosemirror";
import type { DocumentProvider } from "../../client/document_provider.ts";
import { FRAGMENT } from "../../note_schema/yjs_content.ts";
import { lossless } from "./note_binding.ts";
import { leavesAll } from "./note_selection.ts";

/** Another's cursor, styled without style attributes: the page's policy allows none. */
function cursorOf(user: { name?: string; color?: string }): HTMLElement {
  const cursor = document.createElement("span");
  cursor.className = "cursor";
  const colour = colourFrom(user.color);
  cursor.style.borderColor = colour;
  const label = document.createElement("span");
  label.style.background = colour;
  label.textContent = String(user.name ?? "?").slice(0, 40);
  cursor.append("\u2060", label, "\u2060");
  return cursor;
}

/** Comes from another's browser: a colour, and nothing else. */
export const colourFrom = (colour: unknown): string =>
  typeof colour === "string" && /^#[0-9a-f]{6}$/i.test(colour) ? colour : "#5c5f56";

/** Whether the transaction shows what others, or undo, have changed. */
export const isShared = (transaction: unknown): boolean =>
  (transaction as Transaction | undefined)?.getMeta(ySyncPluginKey)?.isChangeOrigin === true;

/** Refuses what an extension adds to others' changes: only a person's edit changes a document. */
const onlyPersons = () =>
  new Plugin({
    key: new PluginKey("onlyPersons"),
    filterTransaction: (transaction) =>
      !transaction.docChanged || !isShared(transaction.getMeta("appendedTransaction")),
  });

/** The shared document, others' cursors, and an undo that takes back one's own edits only. */
export function collaboration({ doc, awareness }: DocumentProvider): Extension {
  const cursors = {
    cursorBuilder: cursorOf,
    selectionBuilder: (user: { color?: string }) => ({
      style: `background-color: ${colourFrom(user.color)}33`,
    }),
  };
  return Extension.create({
    name: "collaboration",
    priority: 1_000,
    addProseMirrorPlugins() {
      const { schema } = this.editor;
      return [
        lossless(doc.getXmlFragment(FRAGMENT), schema),
        yCursorPlugin(awareness, cursors),
        yUndoPlugin(),
        onlyPersons(),
        leavesAll(),
      ];
    },
    addKeyboardShortcuts: () => ({
      "Mod-z": ({ editor }) => undo(editor.state) ?? true,
      "Mod-y": ({ editor }) => redo(editor.state) ?? true,
      "Mod-Shift-z": ({ editor }) => redo(editor.state) ?? true,
    }),
  });
}
