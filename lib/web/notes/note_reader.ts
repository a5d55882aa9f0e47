import type { Node, Schema } from "prosemirror-model";
import * as Y from "yjs";
import type { JsonNode } from "../../note_schema/json_node.ts";
import { formFor, markOf, nodeOf, unknown } from "../../note_schema/lenient.ts";
import { attributesOfElement, childJson, marksOf, runsOf } from "../../note_schema/yjs_content.ts";

/** A Yjs type, and what shows it: a node, or the nodes of a run of text. */
export type Mapping = Map<object, Node | Node[]>;

/** Reads the shared document as the schema's nodes; what has been read and has not changed is the same node. */
export class SharedReader {
  readonly #mapping: Mapping;
  readonly #schema: Schema;

  constructor(mapping: Mapping, schema: Schema) {
    this.#mapping = mapping;
    this.#schema = schema;
  }

  read(fragment: Y.XmlFragment): Node[] {
    const { name } = this.#schema.topNodeType;
    return fragment.toArray().flatMap((item) => this.#fit(name, item));
  }

  /** The nodes of a child, in the form that its parent takes. */
  #fit(parent: string, item: unknown): Node[] {
    const { nodes: types } = this.#schema;
    const type = Object.hasOwn(types, parent) ? types[parent] : undefined;
    const nodes = this.#nodes(item);
    if (!type) return nodes;
    const isWhole = type.inlineContent || nodes.length < 2;
    const all = isWhole ? nodes : [unknown("unknownInline", childJson(item), this.#schema)];
    const forms = all.map((node) => formFor(type, node));
    this.#remember(item, forms);
    return forms;
  }

  #nodes(item: unknown): Node[] {
    const known = this.#mapping.get(item as object);
    if (known) return Array.isArray(known) ? known : [known];
    if (item instanceof Y.XmlText) return this.#texts(item);
    const nodes = item instanceof Y.XmlElement
      ? [this.#element(item)]
      : [unknown("unknownBlock", [], this.#schema)];
    this.#remember(item, nodes);
    return nodes;
  }

  /** A text is mapped to its runs; whatever else is shown by one node is mapped to that. */
  #remember(item: unknown, nodes: Node[]): void {
    const [only] = nodes;
    const isText = item instanceof Y.XmlText && nodes.every((node) => node.isText);
    if (isText || only) this.#mapping.set(item as object, isText || !only ? nodes : only);
  }

  #texts(text: Y.XmlText): Node[] {
    const delta: { insert: unknown }[] = text.toDelta();
    // What is embedded in a text has no place in a schema.
    if (delta.some(({ insert }) => typeof insert !== "string")) {
      return [unknown("unknownInline", childJson(text), this.#schema)];
    }
    return runsOf(text).map(({ insert, attributes }) =>
      this.#schema.text(insert, marksOf(attributes).map((mark) => markOf(mark, this.#schema)))
    );
  }

  #element(element: Y.XmlElement): Node {
    const { attrs, marks } = attributesOfElement(element);
    const children = element.toArray().flatMap((item) => this.#fit(element.nodeName, item));
    const original = (): JsonNode[] => childJson(element);
    return nodeOf({ name: element.nodeName, attrs, children, marks, original }, this.#schema);
  }
}
