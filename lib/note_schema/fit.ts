/** Puts nodes where the schema allows them: what is read from HTML may stand anywhere. */
import { type Attrs, Fragment, type Node, type NodeType } from "prosemirror-model";
import { noteSchema } from "./schema.ts";

const { nodes } = noteSchema;
/** Stands for white space with a line break in it, which HTML shows as one space or not at all. */
export const SOFT_BREAK = "\ufdd0";

const isBlank = (run: readonly Node[]) =>
  run.every((node) => node.isText && (node.text ?? "").replaceAll(SOFT_BREAK, " ").trim() === "");

/** Runs of inline nodes, and single blocks. */
function runs(items: readonly Node[]): (Node[] | Node)[] {
  const all: (Node[] | Node)[] = [];
  for (const item of items) {
    const last = all.at(-1);
    if (item.isBlock) all.push(item);
    else if (Array.isArray(last)) last.push(item);
    else all.push([item]);
  }
  return all;
}

/** Without the line breaks of the source, which are spaces within a line and nothing at its ends. */
function tidied(run: readonly Node[]): Node[] {
  return run.flatMap((node, at) => {
    if (!node.isText) return [node];
    let text = node.text ?? "";
    const isBroken = (other: Node | undefined) => !other || other.type === nodes.hardBreak;
    if (isBroken(run[at - 1])) text = text.replace(new RegExp(`^${SOFT_BREAK}+`), "");
    if (isBroken(run[at + 1])) text = text.replace(new RegExp(`${SOFT_BREAK}+$`), "");
    text = text.replace(new RegExp(`${SOFT_BREAK}+`, "g"), " ");
    return text === "" ? [] : [noteSchema.text(text, node.marks)];
  });
}

/** What the type takes of a run: other inline nodes leave their text. */
function inlineFor(type: NodeType, run: readonly Node[]): Fragment {
  return Fragment.from(
    tidied(run).flatMap((node) => {
      const marks = type.allowedMarks(node.marks);
      if (type.contentMatch.matchType(node.type)) return [node.mark(marks)];
      const text = node.type === nodes.hardBreak ? " " : node.textContent || node.attrs.label || "";
      return text === "" ? [] : [noteSchema.text(text, marks)];
    }),
  );
}

/** Blocks of text of the type; a block that stands in one, as no editor has it, parts it. */
export function textblocks(type: NodeType, attrs: Attrs | null, items: readonly Node[]): Node[] {
  const found = runs(items).flatMap((run): Node[] => {
    if (!Array.isArray(run)) return [run];
    if (isBlank(run) && items.length > run.length) return [];
    return [type.create(attrs, inlineFor(type, run))];
  });
  return found.length > 0 ? found : [type.create(attrs)];
}

/** Pictures that stand by themselves are blocks; one among words is one of them. */
function pictures(run: readonly Node[]): Node[] | undefined {
  const { image, inlineImage } = nodes;
  const isPicture = (node: Node) => node.type === inlineImage && node.marks.length === 0;
  const [others, found] = [run.filter((node) => !isPicture(node)), run.filter(isPicture)];
  return image && found.length > 0 && isBlank(others)
    ? found.map(({ attrs }) => image.create(attrs))
    : undefined;
}

/** Blocks as they are, and what stands between them as paragraphs. */
function blocks(items: readonly Node[]): Node[] {
  const { paragraph } = nodes;
  return runs(items).flatMap((run) => {
    if (!Array.isArray(run)) return [run];
    if (isBlank(run) || !paragraph) return [];
    return pictures(run) ?? [paragraph.create(null, inlineFor(paragraph, run))];
  });
}

/** Parts of lists and tables that stand alone are taken for what is in them. */
const unpacked = (node: Node): Node[] =>
  node.type.isInGroup("block") || node.isTextblock ? [node] : node.children.flatMap(unpacked);

/** A block of blocks with all of the items, each wrapped or unpacked until it fits. */
export function container(type: NodeType, attrs: Attrs | null, items: readonly Node[]): Node {
  let match = type.contentMatch;
  const content: Node[] = [];
  const add = (node: Node): boolean => {
    const fill = match.matchType(node.type)
      ? Fragment.empty
      : match.fillBefore(Fragment.from(node));
    const next = fill && match.matchFragment(fill.append(Fragment.from(node)));
    if (!next) return false;
    content.push(...fill.content, node);
    match = next;
    return true;
  };
  for (const node of blocks(items)) {
    if (add(node)) continue;
    const wrapper = match.defaultType;
    if (wrapper && !wrapper.inlineContent && type !== noteSchema.topNodeType) {
      if (add(container(wrapper, null, [node]))) continue;
    }
    const parts = unpacked(node);
    for (const part of parts.length === 1 && parts[0] === node ? paragraphs(node) : parts) {
      if (!add(part) && wrapper && !wrapper.inlineContent) add(container(wrapper, null, [part]));
    }
  }
  const rest = match.fillBefore(Fragment.empty, true);
  return type.create(attrs, Fragment.from(content).append(rest ?? Fragment.empty));
}

/** The text of a block that fits nowhere. */
function paragraphs(node: Node): Node[] {
  const text = node.textContent;
  return nodes.paragraph && text !== ""
    ? [nodes.paragraph.create(null, noteSchema.text(text))]
    : [];
}
