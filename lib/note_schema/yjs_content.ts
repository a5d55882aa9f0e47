/**
 * ProseMirror's JSON ↔ the XML fragment that y-prosemirror binds an editor to, without a schema:
 * nodes and marks that the server does not know pass unchanged.
 *
 * The encoding is y-prosemirror's: an element a node with its non-null attributes, a run of text
 * nodes one `XmlText`, marks as the text's attributes.
 */
import { encodeAny, toBase64 } from "lib0/buffer";
import { digest } from "lib0/hash/sha256";
import * as Y from "yjs";
import { type JsonMark, type JsonNode, MAX_DEPTH } from "./json_node.ts";
import { boundedAttributes, boundedMarks } from "./bounded_json.ts";

/** The fragment's name in Open WebUI's editor. */
export const FRAGMENT = "prosemirror";
/** The attribute in which an element keeps its marks: y-prosemirror has a place for those of text only. */
const MARKS_ATTRIBUTE = "marks";

export type Attributes = Record<string, unknown>;
export interface TextRun {
  insert: string;
  attributes: Attributes;
}
/** A child in Yjs' terms: a run of text, or an element. */
export type Child = { runs: TextRun[] } | { node: JsonNode };

const HASHED = /^(.+)--[a-zA-Z0-9+/=]{8}$/;
const markName = (attribute: string) => HASHED.exec(attribute)?.[1] ?? attribute;

/** Six bytes of a mark's digest, folded as y-prosemirror folds them. */
function markHash(mark: JsonMark): string {
  const bytes = digest(encodeAny(mark));
  for (let at = 6; at < bytes.length; at++) bytes[at % 6] = (bytes[at % 6] ?? 0) ^ (bytes[at] ?? 0);
  return toBase64(bytes.slice(0, 6));
}

const withoutNulls = (attrs: object = {}): Attributes =>
  Object.fromEntries(
    Object.entries(attrs).filter(([, value]) => value !== null && value !== undefined),
  );

/** The attributes of a node's element, its marks among them. */
export const elementAttributes = ({ attrs, marks = [] }: JsonNode): Attributes => ({
  ...withoutNulls(attrs),
  ...(marks.length > 0 && { [MARKS_ATTRIBUTE]: marks }),
});

function attributesOf(marks: readonly JsonMark[] = []): Attributes {
  const attributes: Attributes = {};
  for (const mark of marks) {
    const isRepeated = marks.filter(({ type }) => type === mark.type).length > 1;
    attributes[isRepeated ? `${mark.type}--${markHash(mark)}` : mark.type] = mark.attrs ?? {};
  }
  return attributes;
}

/** The marks that a text's attributes say. */
export function marksOf(attributes: Attributes): JsonMark[] {
  return Object.entries(attributes).map(([name, value]) => {
    const attrs = typeof value === "object" && value !== null ? boundedAttributes(value) : {};
    const type = markName(name);
    return Object.keys(attrs).length > 0 ? { type, attrs } : { type };
  });
}

/** A node's content as Yjs' children: neighbouring texts share one run. */
export function childrenOf(nodes: readonly JsonNode[] = []): Child[] {
  const children: Child[] = [];
  for (const node of nodes) {
    if (typeof node.text !== "string") {
      if (node.type) children.push({ node });
      continue;
    }
    const run = { insert: node.text, attributes: attributesOf(node.marks) };
    const last = children.at(-1);
    if (last && "runs" in last) last.runs.push(run);
    else children.push({ runs: [run] });
  }
  return children;
}

/** Makes the Yjs type of a child; `depth` guards against content that never ends. */
export function typeOf(child: Child, depth = 0): Y.XmlElement | Y.XmlText {
  if ("runs" in child) {
    const text = new Y.XmlText();
    text.applyDelta(child.runs, { sanitize: false });
    return text;
  }
  const { node } = child;
  const element = new Y.XmlElement(node.type ?? "paragraph");
  for (const [name, value] of Object.entries(elementAttributes(node))) {
    // Attributes are typed as text; y-prosemirror stores any JSON value.
    element.setAttribute(name, value as string);
  }
  if (depth < MAX_DEPTH) {
    element.insert(0, childrenOf(node.content).map((inner) => typeOf(inner, depth + 1)));
  }
  return element;
}

/** The runs of a text, embedded objects left out. */
export function runsOf(text: Y.XmlText): TextRun[] {
  const delta: { insert: unknown; attributes?: Attributes }[] = text.toDelta();
  return delta.flatMap(({ insert, attributes = {} }) =>
    typeof insert === "string" ? [{ insert, attributes }] : []
  );
}

/** A node's attributes as its element has them, and its marks. */
export function attributesOfElement(element: Y.XmlElement) {
  const all = withoutNulls(element.getAttributes());
  const { [MARKS_ATTRIBUTE]: marks, ...attrs } = boundedAttributes(all);
  return { attrs, marks: boundedMarks(marks) };
}

function nodesOf(item: unknown, depth: number): JsonNode[] {
  if (item instanceof Y.XmlText) {
    return runsOf(item).map(({ insert, attributes }) => {
      const marks = marksOf(attributes);
      return { type: "text", text: insert, ...(marks.length > 0 ? { marks } : {}) };
    });
  }
  if (!(item instanceof Y.XmlElement)) return [];
  const { attrs, marks } = attributesOfElement(item);
  const content = depth < MAX_DEPTH
    ? item.toArray().flatMap((inner) => nodesOf(inner, depth + 1))
    : [];
  return [{
    type: item.nodeName,
    ...(Object.keys(attrs).length > 0 ? { attrs } : {}),
    ...(content.length > 0 ? { content } : {}),
    ...(marks.length > 0 ? { marks } : {}),
  }];
}

/** One child of a fragment or element as JSON nodes. */
export const childJson = (item: unknown): JsonNode[] => nodesOf(item, 0);

/** The whole document as ProseMirror's JSON. */
export function toJson(fragment: Y.XmlFragment): JsonNode {
  return { type: "doc", content: fragment.toArray().flatMap(childJson) };
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(withoutNulls(value))
      .sort(([a], [b]) => a < b ? -1 : 1).map(([name, inner]) => [name, sorted(inner)]),
  );
}

function plain(node: JsonNode, depth: number): unknown {
  const content = depth < MAX_DEPTH
    ? childrenOf(node.content).map((child) => comparable(child, depth + 1))
    : [];
  return [node.type, sorted(node.attrs ?? {}), content, sorted(node.marks ?? [])];
}

function comparable(child: Child, depth: number): unknown {
  if ("node" in child) return plain(child.node, depth);
  const runs: [string, string][] = [];
  for (const { insert, attributes } of child.runs) {
    const marks = JSON.stringify(
      Object.entries(attributes).map(([name, attrs]) => [markName(name), sorted(attrs)])
        .map((mark) => JSON.stringify(mark)).sort(),
    );
    const last = runs.at(-1);
    if (insert === "") continue;
    if (last?.[1] === marks) last[0] += insert;
    else runs.push([insert, marks]);
  }
  return runs;
}

/** A text that is the same for the same content: nulls, order of attributes and borders of runs don't count. */
export const fingerprint = (node: JsonNode): string => JSON.stringify(plain(node, 0));
export const childFingerprint = (child: Child): string => JSON.stringify(comparable(child, 1));
