import { baseKeymap, setBlockType, toggleMark, wrapIn } from "prosemirror-commands";
import {
  InputRule,
  inputRules,
  textblockTypeInputRule,
  wrappingInputRule,
} from "prosemirror-inputrules";
import { keymap } from "prosemirror-keymap";
import type { MarkType } from "prosemirror-model";
import { liftListItem, sinkListItem, splitListItem, wrapInList } from "prosemirror-schema-list";
import { type Command, EditorState, Plugin, PluginKey } from "prosemirror-state";
import { Decoration, DecorationSet, EditorView } from "prosemirror-view";
import { redo, undo, yCursorPlugin, ySyncPlugin, yUndoPlugin } from "y-prosemirror";
import type { DocumentProvider } from "../client/document_provider.ts";
import { schema } from "./note_schema.ts";

/** The fragment of Open WebUI's editor. */
const FRAGMENT = "prosemirror";
const { nodes, marks } = schema;

export type Tool =
  | "bold"
  | "italic"
  | "code"
  | "heading"
  | "quote"
  | "bullets"
  | "numbers"
  | "codeBlock";

const COMMANDS: Record<Tool, Command> = {
  bold: toggleMark(marks.bold),
  italic: toggleMark(marks.italic),
  code: toggleMark(marks.code),
  heading: (state, dispatch) =>
    state.selection.$from.parent.type === nodes.heading
      ? setBlockType(nodes.paragraph)(state, dispatch)
      : setBlockType(nodes.heading, { level: 2 })(state, dispatch),
  quote: wrapIn(nodes.blockquote),
  bullets: wrapInList(nodes.bulletList),
  numbers: wrapInList(nodes.orderedList),
  codeBlock: setBlockType(nodes.codeBlock),
};

const enterInLists: Command = (state, dispatch) =>
  splitListItem(nodes.listItem)(state, dispatch) ||
  splitListItem(nodes.taskItem, { checked: false })(state, dispatch);

const eachList = (make: typeof sinkListItem): Command => (state, dispatch) =>
  make(nodes.listItem)(state, dispatch) || make(nodes.taskItem)(state, dispatch);

function rules(): Plugin {
  const mark = (pattern: RegExp, type: MarkType) =>
    new InputRule(pattern, (state, match, start, end) => {
      const text = match[1];
      if (text === undefined) return null;
      return state.tr.replaceWith(start, end, schema.text(text, [type.create()]))
        .removeStoredMark(type);
    });
  return inputRules({
    rules: [
      textblockTypeInputRule(/^(#{1,4})\s$/, nodes.heading, ([, hashes = "#"]) => ({
        level: hashes.length,
      })),
      textblockTypeInputRule(/^```$/, nodes.codeBlock),
      wrappingInputRule(/^\s*>\s$/, nodes.blockquote),
      wrappingInputRule(/^\s*[-*]\s$/, nodes.bulletList),
      wrappingInputRule(
        /^(\d+)\.\s$/,
        nodes.orderedList,
        ([, start]) => ({ start: Number(start) }),
      ),
      mark(/\*\*([^*]+)\*\*$/, marks.bold),
      mark(/`([^`]+)`$/, marks.code),
    ],
  });
}

/** Says in an empty note what one can do there. */
function placeholder(text: string): Plugin {
  return new Plugin({
    key: new PluginKey("placeholder"),
    props: {
      decorations({ doc }) {
        const first = doc.firstChild;
        if (doc.childCount !== 1 || first?.type !== nodes.paragraph || first.content.size > 0) {
          return null;
        }
        const attrs = { "data-placeholder": text };
        return DecorationSet.create(doc, [Decoration.node(0, first.nodeSize, attrs)]);
      },
    },
  });
}

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
  const fragment = provider.doc.getXmlFragment(FRAGMENT);
  const state = EditorState.create({
    schema,
    plugins: [
      ySyncPlugin(fragment),
      yCursorPlugin(provider.awareness, {
        cursorBuilder: cursorOf,
        selectionBuilder: (user: { color?: string }) => ({
          style: `background-color: ${colourFrom(user.color)}33`,
        }),
      }),
      yUndoPlugin(),
      rules(),
      placeholder("Write. Markdown works: # for a heading, - for a list."),
      keymap({
        "Mod-z": undo,
        "Mod-y": redo,
        "Mod-Shift-z": redo,
        "Mod-b": COMMANDS.bold,
        "Mod-i": COMMANDS.italic,
        "Mod-e": COMMANDS.code,
        "Mod-Alt-2": COMMANDS.heading,
        "Enter": enterInLists,
        "Mod-[": eachList(liftListItem),
        "Mod-]": eachList(sinkListItem),
      }),
      keymap(baseKeymap),
    ],
  });
  const view = new EditorView(place, {
    state,
    editable: options.isEditable,
    attributes: {
      class: "markdown",
      "aria-label": "Text of the note",
      role: "textbox",
      "aria-multiline": "true",
    },
    handleDOMEvents: { change: ticked },
  });
  return {
    focus: () => view.focus(),
    apply(tool) {
      COMMANDS[tool](view.state, view.dispatch);
      view.focus();
    },
    [Symbol.dispose]: () => view.destroy(),
  };
}

/** A box of a task list was ticked. */
function ticked(view: EditorView, event: Event): boolean {
  const { target } = event;
  if (!(target instanceof HTMLInputElement) || target.type !== "checkbox") return false;
  const at = view.state.doc.resolve(view.posAtDOM(target, 0));
  for (let depth = at.depth; depth > 0; depth--) {
    if (at.node(depth).type !== nodes.taskItem) continue;
    const change = view.state.tr.setNodeAttribute(at.before(depth), "checked", target.checked);
    view.dispatch(change);
    return true;
  }
  return false;
}
