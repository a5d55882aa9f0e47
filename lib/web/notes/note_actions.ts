/** What can be done with a note's text: the toolbar and the slash menu offer the same. */
import type { ChainedCommands, Editor } from "@tiptap/core";
import type { NoteIconName } from "./note_icons.tsx";
import { askLink, askPicture } from "./note_addresses.ts";

export interface NoteAction {
  label: string;
  icon: NoteIconName;
  /** By what else it is found in the slash menu. */
  words?: string;
  run(editor: Editor): void;
  /** Whether the selection is so already. */
  isOn?(editor: Editor): boolean;
}

const does = (act: (chain: ChainedCommands) => ChainedCommands) => (editor: Editor) =>
  void act(editor.chain().focus()).run();
const is = (name: string, attributes?: object) => (editor: Editor) =>
  editor.isActive(name, attributes);

const bold: NoteAction = {
  ...{ label: "Bold", icon: "bold" },
  ...{ run: does((chain) => chain.toggleBold()), isOn: is("bold") },
};
const italic: NoteAction = {
  ...{ label: "Italic", icon: "italic" },
  ...{ run: does((chain) => chain.toggleItalic()), isOn: is("italic") },
};
const strike: NoteAction = {
  ...{ label: "Struck through", icon: "strike" },
  ...{ run: does((chain) => chain.toggleStrike()), isOn: is("strike") },
};
const link: NoteAction = {
  ...{ label: "Link", icon: "link", words: "address url web" },
  ...{ run: (editor) => void askLink(editor), isOn: is("link") },
};
const heading = (level: 1 | 2 | 3, label: string, words: string): NoteAction => ({
  ...{ label, icon: "heading", words },
  run: does((chain) => chain.toggleHeading({ level })),
  isOn: is("heading", { level }),
});
const middle = heading(2, "Heading", "h2 title section");
const bullets: NoteAction = {
  ...{ label: "List", icon: "bullets", words: "bullets points ul" },
  ...{ run: does((chain) => chain.toggleBulletList()), isOn: is("bulletList") },
};
const numbers: NoteAction = {
  ...{ label: "Numbered list", icon: "numbers", words: "ordered ol 1" },
  ...{ run: does((chain) => chain.toggleOrderedList()), isOn: is("orderedList") },
};
const tasks: NoteAction = {
  ...{ label: "Check list", icon: "tasks", words: "todo task check box" },
  ...{ run: does((chain) => chain.toggleTaskList()), isOn: is("taskList") },
};
const quote: NoteAction = {
  ...{ label: "Quote", icon: "quote", words: "blockquote citation" },
  ...{ run: does((chain) => chain.toggleBlockquote()), isOn: is("blockquote") },
};
const code: NoteAction = {
  ...{ label: "Code", icon: "code", words: "pre program" },
  ...{ run: does((chain) => chain.toggleCodeBlock()), isOn: is("codeBlock") },
};
const table: NoteAction = {
  ...{ label: "Table", icon: "table", words: "grid rows columns" },
  run: does((chain) => chain.insertTable({ rows: 3, cols: 3, withHeaderRow: true })),
};
const picture: NoteAction = {
  ...{ label: "Picture", icon: "picture", words: "image photo address" },
  run: (editor) => void askPicture(editor),
};
const rule: NoteAction = {
  ...{ label: "Line", icon: "rule", words: "divider rule separator hr" },
  run: does((chain) => chain.setHorizontalRule()),
};
const details: NoteAction = {
  ...{ label: "Fold", icon: "next", words: "details collapse summary toggle" },
  run: does((chain) => chain.setDetails()),
};

/** What the toolbar always shows. */
export const TOOLS: readonly NoteAction[] = [
  ...[bold, italic, strike, link],
  ...[middle, bullets, numbers, tasks, quote, code, table, picture],
];

/** What the toolbar shows within a table, and the slash menu first. */
export const TABLE_TOOLS: readonly NoteAction[] = [
  {
    ...{ label: "Row below", icon: "row_add", words: "table insert add" },
    run: does((chain) => chain.addRowAfter()),
  },
  {
    ...{ label: "Column after", icon: "column_add", words: "table insert add" },
    run: does((chain) => chain.addColumnAfter()),
  },
  {
    ...{ label: "Delete row", icon: "row_delete", words: "table remove" },
    run: does((chain) => chain.deleteRow()),
  },
  {
    ...{ label: "Delete column", icon: "column_delete", words: "table remove" },
    run: does((chain) => chain.deleteColumn()),
  },
  {
    ...{ label: "Delete table", icon: "trash", words: "remove" },
    run: does((chain) => chain.deleteTable()),
  },
];

/** Where the row or the column is to stand is typed seldom: in the menu only. */
const TABLE_MORE: readonly NoteAction[] = [
  {
    ...{ label: "Row above", icon: "row_add", words: "table insert add" },
    run: does((chain) => chain.addRowBefore()),
  },
  {
    ...{ label: "Column before", icon: "column_add", words: "table insert add" },
    run: does((chain) => chain.addColumnBefore()),
  },
];

const BLOCKS: readonly NoteAction[] = [
  heading(1, "Large heading", "h1 title"),
  middle,
  heading(3, "Small heading", "h3 title"),
  ...[bullets, numbers, tasks, table, picture, link, quote, code, rule, details],
];

/** What the slash menu offers for what was typed after the slash. */
export function actionsFor(typed: string, editor: Editor): NoteAction[] {
  const wanted = typed.toLowerCase();
  const isInTable = editor.isActive("table");
  const all = isInTable
    ? [...TABLE_TOOLS, ...TABLE_MORE, ...BLOCKS.filter((action) => action !== table)]
    : BLOCKS;
  const begins = ({ label, words = "" }: NoteAction) =>
    `${label} ${words}`.toLowerCase().split(" ").some((word) => word.startsWith(wanted));
  return all.filter(begins);
}
