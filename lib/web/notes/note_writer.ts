import type { Mark, Node } from "prosemirror-model";
import * as Y from "yjs";
import { attributesOf, jsonOf, jsonOfMark, markOf, nameOf } from "../../note_schema/lenient.ts";
import {
  type Attributes,
  childrenOf,
  elementAttributes,
  marksOf,
  runsOf,
  type TextRun,
  typeOf,
} from "../../note_schema/yjs_content.ts";
import { replaceText } from "../../note_schema/yjs_text.ts";
import type { Mapping } from "./note_reader.ts";

type Child = Node | Node[];
type Shared = Y.XmlFragment | Y.XmlElement;

const isUnknown = (node: Node) => /^unknown(Block|Inline)$/.test(node.type.name);

/** Neighbouring texts are one child, as they are one type in the shared document. */
function childrenIn(parent: Node): Child[] {
  const all: Child[] = [];
  for (const node of parent.children) {
    const last = all.at(-1);
    if (!node.isText) all.push(node);
    else if (Array.isArray(last)) last.push(node);
    else all.push([node]);
  }
  return all;
}

function isSame(one: Child | undefined, other: Child | undefined): boolean {
  if (!Array.isArray(one) || !Array.isArray(other)) return one === other;
  return one.length === other.length && one.every((node, at) => node === other[at]);
}

/** Writes the editor's document into the shared one: what is still the same node is not touched. */
export class SharedWriter {
  readonly #mapping: Mapping;

  constructor(mapping: Mapping) {
    this.#mapping = mapping;
  }

  /** Call it inside a transaction. */
  write(shared: Shared, node: Node): void {
    this.#mapping.set(shared, node);
    const items = shared.toArray() as (Y.XmlElement | Y.XmlText)[];
    const wanted = childrenIn(node);
    const most = Math.min(items.length, wanted.length);
    const isKept = (item: (typeof items)[number] | undefined, child: Child | undefined) =>
      item !== undefined && isSame(this.#mapping.get(item), child);
    let [left, right] = [0, 0];
    while (left < most && isKept(items[left], wanted[left])) left++;
    while (left + right < most && isKept(items.at(-1 - right), wanted.at(-1 - right))) right++;
    while (left + right < items.length && left + right < wanted.length) {
      if (this.#update(items[left], wanted[left])) left++;
      else if (this.#update(items.at(-1 - right), wanted.at(-1 - right))) right++;
      else {
        shared.delete(left, 1);
        shared.insert(left, [this.#make(wanted[left])]);
        left++;
      }
    }
    const removed = items.length - left - right;
    if (removed > 0) shared.delete(left, removed);
    const added = wanted.slice(left, wanted.length - right);
    if (added.length > 0) shared.insert(left, added.map((child) => this.#make(child)));
  }

  /** Changes the item in place, if it can become what is wanted. */
  #update(item: Y.XmlElement | Y.XmlText | undefined, child: Child | undefined): boolean {
    if (!item || !child) return false;
    const shown = this.#mapping.get(item);
    if (isSame(shown, child)) return true;
    if (Array.isArray(child)) {
      if (!(item instanceof Y.XmlText) || (shown && !Array.isArray(shown))) return false;
      replaceText(item, runsFor(child, item));
      this.#mapping.set(item, child);
      return true;
    }
    if (!(item instanceof Y.XmlElement) || isUnknown(child)) return false;
    if (!shown || Array.isArray(shown) || isUnknown(shown)) return false;
    if (item.nodeName !== nameOf(child.type)) return false;
    updateAttributes(item, child);
    this.write(item, child);
    return true;
  }

  #make(child: Child | undefined): Y.XmlElement | Y.XmlText {
    const nodes = Array.isArray(child) ? child : child ? [child] : [];
    const [made = { runs: [] }] = childrenOf(nodes.flatMap(jsonOf));
    const type = typeOf(made);
    this.#map(type, child);
    return type;
  }

  /** What was made for a node is mapped to it, as far down as both are alike. */
  #map(type: Y.XmlElement | Y.XmlText, child: Child | undefined): void {
    if (!child) return;
    this.#mapping.set(type, child);
    if (Array.isArray(child) || isUnknown(child) || !(type instanceof Y.XmlElement)) return;
    const inner = childrenIn(child);
    // The type is no part of a document yet, where its children could be read.
    const made = (type as unknown as { _prelimContent: (Y.XmlElement | Y.XmlText)[] | null })
      ._prelimContent ?? [];
    made.forEach((item, at) => this.#map(item, inner[at]));
  }
}

/** Attributes of the schema change; others, and defaults that nobody wrote down, stay as they are. */
function updateAttributes(element: Y.XmlElement, node: Node): void {
  const before: Attributes = element.getAttributes();
  const marks = node.marks.map(jsonOfMark);
  const after = elementAttributes({ attrs: attributesOf(node), marks });
  for (const [name, value] of Object.entries(after)) {
    const isDefault = node.type.spec.attrs?.[name]?.default === value;
    if (before[name] === undefined && isDefault) continue;
    if (JSON.stringify(before[name]) === JSON.stringify(value)) continue;
    element.setAttribute(name, value as string);
  }
  for (const name of Object.keys(before)) {
    if (!(name in after) && before[name] !== null) element.removeAttribute(name);
  }
}

/** The runs of a text; a mark that stands in it already is written as it stands there. */
function runsFor(nodes: readonly Node[], text: Y.XmlText): TextRun[] {
  const schema = nodes[0]?.type.schema;
  const known: { mark: Mark; name: string; value: unknown }[] = [];
  for (const { attributes } of runsOf(text)) {
    for (const [name, value] of Object.entries(attributes)) {
      const [json] = marksOf({ [name]: value });
      if (json) known.push({ mark: markOf(json, schema), name, value });
    }
  }
  return nodes.flatMap((node): TextRun[] => {
    const [made] = childrenOf(jsonOf(node));
    if (!made || !("runs" in made)) return [];
    const kept = node.marks.map((mark) => known.find((one) => one.mark.eq(mark)));
    if (kept.every((one) => one === undefined)) return made.runs;
    const fresh = node.marks.filter((_, at) => !kept[at]);
    const [rest] = childrenOf(jsonOf(node.mark(fresh)));
    const attributes: Attributes = rest && "runs" in rest ? { ...rest.runs[0]?.attributes } : {};
    for (const one of kept) if (one) attributes[one.name] = one.value;
    return [{ insert: node.text ?? "", attributes }];
  });
}
