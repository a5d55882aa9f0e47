/**
 * Between a note's JSON and the schema's nodes, without loss: what the schema has no place for
 * becomes an unknown node that holds it, and is given back as it was.
 */
import { Fragment, type Mark, type MarkType, type Node, type NodeType } from "prosemirror-model";
import { isValidAttribute } from "./attributes.ts";
import { type Json, type JsonMark, type JsonNode, MAX_DEPTH } from "./json_node.ts";
import { noteSchema } from "./schema.ts";
import { ALIASES, UNKNOWN_ATTRS } from "./unknown_nodes.ts";

/** Types that take what the one of the note's name does not. */
const VARIANTS: Readonly<Record<string, string>> = { listItem: "looseListItem" };
const isHolder = (name: string) => name.startsWith("unknown") || name in ALIASES;

export type Attributes = Readonly<Record<string, unknown>>;
type Typed = NodeType | MarkType;

/** What the type knows under their names, and the rest under one name of its own. */
export function attributesFor({ spec }: Typed, attrs: Attributes = {}): Record<string, unknown> {
  const known: Record<string, unknown> = {};
  const unknown: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(attrs)) {
    if (value === undefined) continue;
    const isKnown = name !== UNKNOWN_ATTRS && Object.hasOwn(spec.attrs ?? {}, name) &&
      isValidAttribute(name, value);
    (isKnown ? known : unknown)[name] = value;
  }
  return Object.keys(unknown).length > 0 ? { ...known, [UNKNOWN_ATTRS]: unknown } : known;
}

/** The attributes of a node or mark as the note has them. A null where that is the default says nothing. */
export function attributesOf({ type, attrs }: Node | Mark): { [name: string]: Json } {
  const all: { [name: string]: Json } = {};
  for (const [name, value] of Object.entries(attrs)) {
    const isUnset = value === null && type.spec.attrs?.[name]?.default === null;
    if (name !== UNKNOWN_ATTRS && !isUnset) all[name] = value;
  }
  return { ...all, ...attrs[UNKNOWN_ATTRS] };
}

/** A type's name in the note. */
export const nameOf = ({ name }: NodeType): string => ALIASES[name] ?? name;

export function markOf({ type, attrs }: JsonMark, { marks } = noteSchema): Mark {
  const known = Object.hasOwn(marks, type) && !isHolder(type) ? marks[type] : undefined;
  if (known) return known.create(attributesFor(known, attrs));
  const mark = { type, ...(attrs && { attrs }) };
  return marks.unknownMark?.create({ mark }) ?? noteSchema.mark("unknownMark", { mark });
}

export function jsonOfMark(mark: Mark): JsonMark {
  if (mark.type.name === "unknownMark") return mark.attrs.mark;
  const attrs = attributesOf(mark);
  return { type: mark.type.name, ...(Object.keys(attrs).length > 0 && { attrs }) };
}

export function unknown(
  name: "unknownBlock" | "unknownInline",
  held: readonly JsonNode[],
  schema = noteSchema,
): Node {
  return schema.node(name, { nodes: held });
}

/** A node as it can stand among words. */
function inlineForm(node: Node): Node {
  const { schema, name } = node.type;
  if (node.isInline) return node;
  if (name === "image") return schema.node("inlineImage", node.attrs, [], node.marks);
  return unknown("unknownInline", jsonOf(node), schema);
}

/** A node as it can stand among blocks. */
function blockForm(node: Node): Node {
  const { schema, name } = node.type;
  if (node.isBlock) return node;
  if (name === "inlineImage" && node.marks.length === 0) return schema.node("image", node.attrs);
  return unknown("unknownBlock", jsonOf(node), schema);
}

/** All types that may stand somewhere in a node of this type. */
const contentTypes = new Map<NodeType, ReadonlySet<NodeType>>();
function typesIn(type: NodeType): ReadonlySet<NodeType> {
  const known = contentTypes.get(type);
  if (known) return known;
  const types = new Set<NodeType>();
  const seen = new Set([type.contentMatch]);
  for (const match of seen) {
    for (let at = 0; at < match.edgeCount; at++) {
      const edge = match.edge(at);
      types.add(edge.type);
      seen.add(edge.next);
    }
  }
  contentTypes.set(type, types);
  return types;
}

/** The child in the form that a node of this type takes. */
export function formFor(type: NodeType, child: Node): Node {
  const types = typesIn(type);
  const form = type.inlineContent ? inlineForm(child) : blockForm(child);
  if (types.has(form.type)) return form;
  const name = type.inlineContent ? "unknownInline" : "unknownBlock";
  const stand = type.schema.nodes[name];
  return stand && types.has(stand) ? unknown(name, jsonOf(form), type.schema) : form;
}

const contentFor = (type: NodeType, children: readonly Node[]): Fragment =>
  Fragment.from(children.map((child) => formFor(type, child)));

interface Described {
  name: string;
  attrs: Attributes | undefined;
  children: readonly Node[];
  marks?: readonly JsonMark[];
  /** What is held when the schema does not take it. */
  original(): JsonNode[];
}

/** The node of that name with these children; an unknown one when the schema does not take it. */
export function nodeOf(
  { name, attrs, children, marks = [], original }: Described,
  schema = noteSchema,
): Node {
  const { nodes } = schema;
  const known = Object.hasOwn(nodes, name) && !isHolder(name) ? nodes[name] : undefined;
  const set = marks.map((mark) => markOf(mark, schema));
  for (const type of [known, known && nodes[VARIANTS[name] ?? ""]]) {
    if (!type || type.isText || type === schema.topNodeType) continue;
    // What ought to be empty and is not would lose what is in it.
    if (type.isLeaf && children.length > 0) continue;
    const content = contentFor(type, children);
    if (type.validContent(content)) return type.create(attributesFor(type, attrs), content, set);
  }
  return unknown("unknownBlock", original(), schema);
}

/** The schema's nodes for those of a note. */
const nodesOf = (json: readonly JsonNode[]): Node[] => json.flatMap((one) => read(one, 0));

/** The nodes that an unknown one holds, as one may stand where it stood. */
export function heldNodes(json: readonly JsonNode[], isInline: boolean): Node[] {
  const type = isInline ? noteSchema.nodes.paragraph : noteSchema.topNodeType;
  return type ? [...contentFor(type, nodesOf(json)).content] : [];
}

function childrenOf({ content = [] }: JsonNode, depth: number): Node[] {
  return content.flatMap((child) => read(child, depth));
}

function read(json: JsonNode, depth: number): Node[] {
  if (typeof json.text === "string") {
    return json.text === ""
      ? []
      : [noteSchema.text(json.text, (json.marks ?? []).map((mark) => markOf(mark)))];
  }
  if (!json.type) return [];
  if (depth >= MAX_DEPTH) return [];
  return [
    nodeOf({
      name: json.type,
      attrs: json.attrs,
      children: childrenOf(json, depth + 1),
      ...(json.marks && { marks: json.marks }),
      original: () => [json],
    }),
  ];
}

/** A note's JSON as a document of the schema; one without a block begins with a paragraph. */
export function documentOf(json: JsonNode): Node {
  const type = noteSchema.topNodeType;
  const content = contentFor(type, childrenOf(json, 0));
  return type.create(null, content.size > 0 ? content : noteSchema.nodes.paragraph?.create());
}

/** A node as the note's JSON has it: of an unknown one, all that it holds. */
export function jsonOf(node: Node): JsonNode[] {
  const { type } = node;
  if (node.isText) {
    const set = node.marks.map(jsonOfMark);
    return [{ type: "text", text: node.text ?? "", ...(set.length > 0 && { marks: set }) }];
  }
  if (/^unknown(Block|Inline)$/.test(type.name)) return node.attrs.nodes;
  const attrs = attributesOf(node);
  const content = node.children.flatMap(jsonOf);
  return [{
    type: nameOf(type),
    ...(Object.keys(attrs).length > 0 && { attrs }),
    ...(content.length > 0 && { content }),
    ...(node.marks.length > 0 && { marks: node.marks.map(jsonOfMark) }),
  }];
}

/** A document of the schema as the note's JSON. */
export const jsonOfDocument = (doc: Node): JsonNode => ({
  type: "doc",
  content: doc.children.flatMap(jsonOf),
});
