import { Extension, InputRule } from "@tiptap/core";
import { Plugin, PluginKey } from "prosemirror-state";
import { askLink, isLinkable } from "./note_addresses.ts";

const ITEMS = ["listItem", "looseListItem", "taskItem"] as const;
/** What ends a sentence ends no address. */
const AFTER_ADDRESS = /[.,;:!?)\]}'"]+$/;

/** `[words](address)` becomes a link when its last sign is typed. */
const typedLink = new InputRule({
  find: /(?<!!)\[([^[\]]+)\]\(([^()\s]+)\)$/,
  handler({ range, match: [, words = "", href = ""], chain }) {
    if (!isLinkable(href)) return null;
    const marks = [{ type: "link", attrs: { href } }];
    chain().deleteRange(range).insertContent({ type: "text", text: words, marks }).run();
  },
});

/** An address becomes a link when a space is typed behind it. */
const typedAddress = new InputRule({
  find: /(?:^|\s)(https?:\/\/[^\s<>]+)\s$/,
  handler({ state, range, match: [whole, typed = ""] }) {
    const { link } = state.schema.marks;
    const href = typed.replace(AFTER_ADDRESS, "");
    if (!link || !URL.canParse(href)) return null;
    const from = range.from + whole.length - 1 - typed.length;
    const { tr } = state;
    tr.addMark(from, from + href.length, link.create({ href }));
    tr.insertText(" ", range.to);
    tr.removeStoredMark(link);
  },
});

/** `[ ]` at the beginning of an item of a list makes it one of a check list. */
const typedTask = new InputRule({
  find: /^\[([ xX]?)\]\s$/,
  handler({ state, range, match: [, box = ""], chain }) {
    const item = state.doc.resolve(range.from).node(-1)?.type.name;
    if (item !== "listItem" && item !== "looseListItem") return null;
    chain().deleteRange(range).toggleList("taskList", "taskItem")
      .updateAttributes("taskItem", { checked: box.toLowerCase() === "x" }).run();
  },
});

/** After Escape, Tab leaves the text: who has only the keyboard is not caught in a list or a table. */
function leavesByEscape(): Plugin {
  let isLeaving = false;
  return new Plugin({
    key: new PluginKey("leavesByEscape"),
    props: {
      handleDOMEvents: {
        keydown(_view, { key }) {
          const leaves = isLeaving && key === "Tab";
          isLeaving = key === "Escape" || (isLeaving && key === "Shift");
          return leaves;
        },
        blur() {
          isLeaving = false;
          return false;
        },
      },
    },
  });
}

/** Keys and signs beyond those of the schema's own extensions. */
export const noteKeys = Extension.create({
  name: "noteKeys",
  // The extensions of lists and tables come first.
  priority: 10,
  addInputRules: () => [typedLink, typedAddress, typedTask],
  addProseMirrorPlugins: () => [leavesByEscape()],
  addKeyboardShortcuts() {
    const inList = () => ITEMS.some((name) => this.editor.isActive(name));
    return {
      // What can be moved no further stays where it is, and so does the focus.
      Tab: ({ editor }) => inList() && (editor.commands.sinkListItem("looseListItem") || true),
      "Shift-Tab": ({ editor }) =>
        inList() && (editor.commands.liftListItem("looseListItem") || true),
    };
  },
});

/** Ctrl+K makes a link of selected words; without any it is the page's. */
export const linkKey = Extension.create({
  name: "linkKey",
  addProseMirrorPlugins() {
    const { editor } = this;
    return [
      new Plugin({
        key: new PluginKey("linkKey"),
        props: {
          handleKeyDown(view, event) {
            const isKey = event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) &&
              !event.shiftKey && !event.altKey;
            // The browser's own: the editor hears of a selection a moment after it is made.
            const isEmpty = document.getSelection()?.isCollapsed ?? true;
            if (!isKey || !view.editable || isEmpty) return false;
            event.stopPropagation();
            setTimeout(() => void askLink(editor));
            return true;
          },
        },
      }),
    ];
  },
});
