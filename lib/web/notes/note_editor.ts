import { Editor, Extension, type Extensions, type Node, type NodeViewRenderer } from "@tiptap/core";
import { Placeholder } from "@tiptap/extensions";
import { Plugin, PluginKey, type Transaction } from "prosemirror-state";
import { redo, undo, yCursorPlugin, ySyncPluginKey, yUndoPlugin } from "y-prosemirror";
import type { DocumentProvider } from "../../client/document_provider.ts";
import { noteExtensions } from "../../note_schema/extensions.ts";
import { FRAGMENT } from "../../note_schema/yjs_content.ts";
import { lossless } from "./note_binding.ts";
import { isOfComposition } from "../ui/ime.ts";
import { leavesAll } from "./note_selection.ts";

export type Tool =
  | "bold"
  | "italic"
  | "code"
  | "heading"
  | "quote"
  | "bullets"
  | "numbers"
  | "codeBlock";

const COMMANDS: Record<Tool, (editor: Editor) => boolean> = {
  bold: ({ commands }) => commands.toggleBold(),
  italic: ({ commands }) => commands.toggleItalic(),
  code: ({ commands }) => commands.toggleCode(),
  heading: ({ commands }) => commands.toggleHeading({ level: 2 }),
  quote: ({ commands }) => commands.toggleBlockquote(),
  bullets: ({ commands }) => commands.toggleBulletList(),
  numbers: ({ commands }) => commands.toggleOrderedList(),
  codeBlock: ({ commands }) => commands.toggleCodeBlock(),
};

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
const colourFrom = (colour: unknown) =>
  typeof colour === "string" && /^#[0-9a-f]{6}$/i.test(colour) ? colour : "#5c5f56";

const isShared = (transaction: unknown) =>
  (transaction as Transaction | undefined)?.getMeta(ySyncPluginKey)?.isChangeOrigin === true;

/** Refuses what an extension adds to others' changes: only a person's edit changes a document. */
const onlyPersons = () =>
  new Plugin({
    key: new PluginKey("onlyPersons"),
    filterTransaction: (transaction) =>
      !transaction.docChanged || !isShared(transaction.getMeta("appendedTransaction")),
  });

/** The shared document, others' cursors, and an undo that takes back one's own edits only. */
function collaboration({ doc, awareness }: DocumentProvider): Extension {
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

/** A picture from elsewhere is not loaded: its server would learn who reads the note. */
function pictureOf(attrs: Record<string, unknown>, tag: "p" | "span"): { dom: HTMLElement } {
  const { src, alt } = attrs;
  if (typeof src === "string" && /^data:image\//i.test(src)) {
    const picture = document.createElement("img");
    picture.src = src;
    picture.alt = String(alt ?? "");
    return { dom: picture };
  }
  const dom = document.createElement(tag);
  dom.className = "picture";
  dom.textContent = `Picture: ${alt || src || ""}`;
  return { dom };
}

const pictures: Record<string, "p" | "span"> = { image: "p", inlineImage: "span" };

/** The schema's extensions, as the page shows them. */
const extensions: Extensions = noteExtensions.map((extension) => {
  const tag = pictures[extension.name];
  if (!tag || extension.type !== "node") return extension;
  const view: NodeViewRenderer = ({ node }) => pictureOf(node.attrs, tag);
  return (extension as Node).extend({ addNodeView: () => view });
});

export interface NoteEditor extends Disposable {
  focus(): void;
  apply(tool: Tool): void;
}

/** Opens the editor of a note on its shared document. */
export function openEditor(
  place: HTMLElement,
  provider: DocumentProvider,
  options: { isEditable: () => boolean },
): NoteEditor {
  const editor = new Editor({
    element: place,
    injectCSS: false,
    extensions: [
      ...extensions,
      collaboration(provider),
      Placeholder.configure({
        placeholder: "Write. Markdown works: # for a heading, - for a list.",
      }),
    ],
    editorProps: {
      editable: options.isEditable,
      // ProseMirror 1.x knows an Enter that ends a composition by its browser, not by its code.
      handleKeyDown: (_view, event) => event.key === "Enter" && isOfComposition(event),
      attributes: {
        class: "markdown",
        "aria-label": "Text of the note",
        role: "textbox",
        "aria-multiline": "true",
      },
    },
  });
  return {
    focus: () => void editor.commands.focus(),
    apply(tool) {
      COMMANDS[tool](editor);
      editor.commands.focus();
    },
    [Symbol.dispose]: () => editor.destroy(),
  };
}
