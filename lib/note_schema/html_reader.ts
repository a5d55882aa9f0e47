/** HTML as a document of the schema, in the forms that TipTap's own editors write and read. */
import type { DefaultTreeAdapterTypes as Tree } from "parse5";
import { type Attrs, Mark, type Node } from "prosemirror-model";
import { container, SOFT_BREAK, textblocks } from "./fit.ts";
import {
  attributesOf,
  blockOfElement,
  elementsIn,
  isBorder,
  isIgnored,
  leafOfElement,
  markOfElement,
  type Typed,
} from "./html_elements.ts";
import { htmlTree, textOfHtml } from "./html_tree.ts";
import type { JsonNode } from "./json_node.ts";
import { attributesFor, heldNodes, jsonOfDocument, markOf } from "./lenient.ts";
import { plainDocument } from "./plain_text.ts";
import { noteSchema } from "./schema.ts";
import { readHeld, readMark } from "./unknown_nodes.ts";

/** What is nested deeper keeps its text only: no text may exhaust the stack. */
const MAX_DEPTH = 60;

interface Place {
  marks: readonly Mark[];
  depth: number;
}

/** What is made to be slow, or too long, keeps its text. */
export function fromHtml(html: string): JsonNode {
  const tree = htmlTree(html);
  if (!tree) return plainDocument(textOfHtml(html));
  const items = children(tree, { marks: [], depth: 0 });
  return jsonOfDocument(container(noteSchema.topNodeType, null, items));
}

function children(parent: Tree.ParentNode, place: Place): Node[] {
  if (place.depth > MAX_DEPTH) return text(textIn(parent), place);
  const inner = { ...place, depth: place.depth + 1 };
  return parent.childNodes.flatMap((node) => {
    if ("value" in node) return text(softened(node.value), place);
    return "tagName" in node ? element(node, inner) : [];
  });
}

const softened = (value: string) =>
  value.replace(/[ \t]*[\n\r\f][ \t\n\r\f]*/g, SOFT_BREAK).replaceAll("\t", " ");

function text(value: string, { marks }: Place): Node[] {
  return value === "" ? [] : [noteSchema.text(value, marks)];
}

/** All the text in an element, however deep. */
function textIn(parent: Tree.ParentNode): string {
  let all = "";
  const open: Tree.ChildNode[] = [...parent.childNodes].reverse();
  for (let node = open.pop(); node; node = open.pop()) {
    if ("value" in node) all += node.value;
    else if ("tagName" in node && node.tagName === "wbr") all += characterOf(node);
    else if ("childNodes" in node) open.push(...[...node.childNodes].reverse());
  }
  return all;
}

/** The character for which an element stands that a text can't carry. */
function characterOf(element: Tree.Element): string {
  const code = Number(attributesOf(element)["data-char"] || NaN);
  return Number.isInteger(code) && code >= 0 && code < 0x80 ? String.fromCharCode(code) : "";
}

function create({ type, attrs }: Typed, marks: readonly Mark[] = []): Node {
  const known = noteSchema.nodes[type] ?? noteSchema.topNodeType;
  return known.create(attributesFor(known, attrs), null, marks);
}

function element(node: Tree.Element, place: Place): Node[] {
  const { tagName } = node;
  const { "data-unknown": held, "data-unknown-mark": heldMark } = attributesOf(node);
  if (held !== undefined) return heldNodes(readHeld(held), tagName === "span");
  if (isIgnored(node)) return [];
  if (tagName === "wbr") return text(characterOf(node), place);
  if (tagName === "pre") return [codeBlock(node)];
  const leaf = leafOfElement(node);
  if (leaf) return [create(leaf, leaf.type === "horizontalRule" ? [] : place.marks)];
  const given = heldMark === undefined ? undefined : readMark(heldMark);
  const mark = given ?? markOfElement(node);
  if (mark) return children(node, { ...place, marks: added(mark, place.marks) });
  const block = blockOfElement(node);
  if (block) return blockNodes(block, node, place);
  if (!isBorder(node)) return children(node, place);
  // A border parts paragraphs: what is in it does not run on with what is around.
  return textblocksOf(children(node, place));
}

function textblocksOf(items: Node[]): Node[] {
  const { content } = container(noteSchema.topNodeType, null, items);
  const isEmpty = content.childCount === 1 && content.firstChild?.content.size === 0 &&
    items.every((item) => item.isText);
  return isEmpty ? [] : [...content.content];
}

function added({ type, attrs = {} }: Typed, marks: readonly Mark[]): readonly Mark[] {
  const outer = marks.find((one) => one.type.name === type);
  // A style within a style adds to it.
  const mark = type === "textStyle" && outer
    ? outer.type.create({ ...outer.attrs, ...attrs })
    : markOf({ type, attrs });
  return mark.addToSet([...marks]);
}

function codeBlock(pre: Tree.Element): Node {
  const [only, ...others] = elementsIn(pre);
  const code = only?.tagName === "code" && others.length === 0 ? only : pre;
  const given = attributesOf(code);
  const language = given["data-language"] ??
    /(?:^|\s)language-(\S+)/.exec(given.class ?? "")?.[1] ?? null;
  const shown = textIn(pre).replace(/\n$/, "");
  const type = noteSchema.nodes.codeBlock ?? noteSchema.topNodeType;
  const attrs = { language, ...heldAttributes(pre) };
  return type.create(attributesFor(type, attrs), text(shown, { ...PLAIN }));
}
const PLAIN: Place = { marks: Mark.none, depth: 0 };
const heldAttributes = (element: Tree.Element) =>
  blockOfElement({ ...element, tagName: "p" })?.attrs ?? {};

function blockNodes(block: Typed, node: Tree.Element, place: Place): Node[] {
  const type = noteSchema.nodes[block.type] ?? noteSchema.topNodeType;
  const attrs = attributesFor(type, block.attrs);
  if (type.isTextblock) {
    return textblocks(type, attrs, children(node, place));
  }
  if (block.type === "details") return [details(type, attrs, node, place)];
  const items = children(node, place);
  if (block.type === "bulletList") return lists(items, attrs);
  return [container(type, attrs, items)];
}

function details(type: Node["type"], attrs: object, node: Tree.Element, place: Place): Node {
  const items = children(node, place);
  const is = (name: string) => (item: Node) => item.type.name === name;
  const summary = items.find(is("detailsSummary"));
  const content = items.filter(is("detailsContent")).flatMap((item) => item.children);
  const loose = items.filter((item) => !is("detailsSummary")(item) && !is("detailsContent")(item));
  const holder = noteSchema.nodes.detailsContent ?? type;
  const [only] = items.filter(is("detailsContent"));
  const body = only && loose.every((item) => item.isText)
    ? container(holder, only.attrs, content)
    : container(holder, null, [...content, ...loose]);
  return container(type, attrs, summary ? [summary, body] : [body]);
}

/** A list in which some items are tasks is several lists, so that each keeps its box. */
function lists(items: Node[], attrs: Attrs): Node[] {
  const kept: { isTask: boolean; items: Node[] }[] = [];
  for (const item of items) {
    const last = kept.at(-1);
    const isTask = item.type.name === "taskItem";
    if (last && (last.isTask === isTask || item.isText)) last.items.push(item);
    else kept.push({ isTask, items: [item] });
  }
  const { bulletList, taskList } = noteSchema.nodes;
  const blank = (run: Node[]) =>
    run.every((item) => item.isText && /^[\s\ufdd0]*$/.test(item.text ?? ""));
  return kept.filter((run) => kept.length === 1 || !blank(run.items)).flatMap(
    ({ isTask, items }) => {
      const type = isTask ? taskList : bulletList;
      return type ? [container(type, attrs, items)] : [];
    },
  );
}
