/** The nodes and marks of a note, in the names of TipTap's official extensions. */
import type { Extensions } from "@tiptap/core";
import Code from "@tiptap/extension-code";
import { Details, DetailsContent, DetailsSummary } from "@tiptap/extension-details";
import Highlight from "@tiptap/extension-highlight";
import Image from "@tiptap/extension-image";
import { BulletList, OrderedList, TaskItem, TaskList } from "@tiptap/extension-list";
import Mention from "@tiptap/extension-mention";
import Subscript from "@tiptap/extension-subscript";
import Superscript from "@tiptap/extension-superscript";
import { Table, TableCell, TableHeader, TableRow } from "@tiptap/extension-table";
import { TextStyleKit } from "@tiptap/extension-text-style";
import StarterKit from "@tiptap/starter-kit";
import {
  InlineImage,
  LooseListItem,
  UnknownAttributes,
  UnknownBlock,
  UnknownInline,
  UnknownMark,
} from "./unknown_nodes.ts";

/**
 * What both ends of a note share: the server converts with it, the page edits with it.
 *
 * Nothing here changes a document by itself: no paragraph is added at its end, no word becomes a
 * link, no table is mended. Yjs keeps the history.
 */
export const noteExtensions: Extensions = [
  StarterKit.configure({
    undoRedo: false,
    trailingNode: false,
    bulletList: false,
    orderedList: false,
    code: false,
    link: { autolink: false, openOnClick: false },
  }),
  BulletList.extend({ content: "(listItem | looseListItem)+" }),
  OrderedList.extend({ content: "(listItem | looseListItem)+" }),
  LooseListItem,
  // TipTap's own excludes every other mark: a link around code would lose its address. The innermost.
  Code.extend({ excludes: "", priority: 10 }),
  TaskList,
  TaskItem.configure({ nested: true }),
  Table.extend({ addProseMirrorPlugins: () => [] }),
  TableRow,
  TableHeader,
  TableCell,
  Image.configure({ allowBase64: true }),
  InlineImage.configure({ allowBase64: true }),
  // Mentions are shown and kept; there is nobody to suggest.
  Mention.extend({ addProseMirrorPlugins: () => [] }),
  Highlight.configure({ multicolor: true }),
  Subscript,
  Superscript,
  TextStyleKit,
  Details,
  DetailsSummary,
  DetailsContent,
  UnknownBlock,
  UnknownInline,
  UnknownMark,
  UnknownAttributes,
];
