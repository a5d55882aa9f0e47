/**
 * What stands for the parts of a note that the schema has no place for: an element of another
 * editor, an attribute of its own, a node where the content model forbids it. They are shown with
 * their text, and written back as they were.
 */
import { Extension, Mark, Node } from "@tiptap/core";
import Image from "@tiptap/extension-image";
import { ListItem } from "@tiptap/extension-list";
import { type JsonNode, textOf } from "./json_node.ts";

/** Holds attributes that the schema does not know of the node or mark that carries them. */
export const UNKNOWN_ATTRS = "unknownAttrs";

/** An element of the page; the server has none. */
interface Attributed {
  getAttribute(name: string): string | null;
}

const held = {
  default: [],
  parseHTML: (element: Attributed) => readHeld(element.getAttribute("data-unknown")),
  renderHTML: ({ nodes }: Record<string, unknown>) => ({ "data-unknown": JSON.stringify(nodes) }),
};

/** The nodes that a `data-unknown` attribute holds; none for anything else. */
export function readHeld(text: string | null | undefined): JsonNode[] {
  try {
    const nodes: unknown = JSON.parse(text ?? "[]");
    return Array.isArray(nodes) ? nodes : [];
  } catch {
    return [];
  }
}

const shown = (nodes: unknown) => textOf(Array.isArray(nodes) ? nodes : []);

export const UnknownBlock = Node.create({
  name: "unknownBlock",
  group: "block",
  atom: true,
  // What is selected as a whole is replaced by the next letter.
  selectable: false,
  addAttributes: () => ({ nodes: held }),
  parseHTML: () => [{ tag: "div[data-unknown]" }],
  renderHTML: ({ node, HTMLAttributes }) => ["div", HTMLAttributes, shown(node.attrs.nodes)],
});

export const UnknownInline = Node.create({
  name: "unknownInline",
  group: "inline",
  inline: true,
  atom: true,
  selectable: false,
  addAttributes: () => ({ nodes: held }),
  parseHTML: () => [{ tag: "span[data-unknown]" }],
  renderHTML: ({ node, HTMLAttributes }) => ["span", HTMLAttributes, shown(node.attrs.nodes)],
});

export const UnknownMark = Mark.create({
  name: "unknownMark",
  excludes: "",
  addAttributes: () => ({
    /** The mark's own name and attributes. */
    mark: {
      default: null,
      parseHTML: (element: Attributed) => readMark(element.getAttribute("data-unknown-mark")),
      renderHTML: ({ mark }: Record<string, unknown>) => ({
        "data-unknown-mark": JSON.stringify(mark),
      }),
    },
  }),
  parseHTML: () => [{ tag: "span[data-unknown-mark]" }],
  renderHTML: ({ HTMLAttributes }) => ["span", HTMLAttributes, 0],
});

export function readMark(text: string | null | undefined): { type: string } | null {
  try {
    const mark: unknown = JSON.parse(text ?? "null");
    const isMark = typeof mark === "object" && mark !== null && "type" in mark &&
      typeof mark.type === "string";
    return isMark ? mark as { type: string } : null;
  } catch {
    return null;
  }
}

/** A picture among words. ProseMirror's types are either inline or blocks; notes have both. */
export const InlineImage = Image.extend({ name: "inlineImage" }).configure({ inline: true });

/** A list item that does not begin with a paragraph, which TipTap's own does. */
export const LooseListItem = ListItem.extend({
  name: "looseListItem",
  content: "block+",
  addKeyboardShortcuts: () => ({}),
});

/** Types whose name in a note is another one's. */
export const ALIASES: Readonly<Record<string, string>> = {
  inlineImage: "image",
  looseListItem: "listItem",
};

/** Lets every type keep attributes that it does not know. */
export const UnknownAttributes = Extension.create({
  name: "unknownAttributes",
  addGlobalAttributes() {
    const types = this.extensions
      .filter(({ type, name }) => type !== "extension" && !UNTOUCHED.has(name))
      .map(({ name }) => name);
    return [{
      types,
      attributes: { [UNKNOWN_ATTRS]: { default: null, rendered: false, keepOnSplit: false } },
    }];
  },
});
const UNTOUCHED = new Set(["doc", "text", "unknownBlock", "unknownInline", "unknownMark"]);
