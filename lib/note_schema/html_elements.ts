/** Which node or mark of the schema an element of HTML is, and with which attributes. */
import type { DefaultTreeAdapterTypes as Tree } from "parse5";
import { isValidAttribute } from "./attributes.ts";
import type { Json } from "./json_node.ts";

type Attrs = { [name: string]: Json };
export interface Typed {
  type: string;
  attrs?: Attrs;
}

const MARKS: Record<string, string> = {
  ...{ b: "bold", strong: "bold", i: "italic", em: "italic", u: "underline", ins: "underline" },
  ...{ s: "strike", del: "strike", strike: "strike", sub: "subscript", sup: "superscript" },
  ...{ code: "code", kbd: "code", samp: "code", tt: "code" },
};
const BLOCKS: Record<string, string> = {
  ...{ blockquote: "blockquote", ul: "bulletList", ol: "orderedList", li: "listItem" },
  ...{ table: "table", tr: "tableRow", td: "tableCell", th: "tableHeader" },
};
const STYLES: Record<string, string> = {
  ...{ color: "color", "background-color": "backgroundColor", "font-family": "fontFamily" },
  ...{ "font-size": "fontSize", "line-height": "lineHeight" },
};
/** These begin and end a paragraph, and are no blocks themselves. */
const BORDERS = new Set(
  ("address article aside caption dd div dl dt figcaption figure footer form header main nav " +
    "section").split(" "),
);
const IGNORED = new Set(
  "script style template head title input col colgroup object iframe".split(" "),
);

export const isBorder = ({ tagName }: Tree.Element): boolean => BORDERS.has(tagName);
export const isIgnored = ({ tagName }: Tree.Element): boolean => IGNORED.has(tagName);
export const attributesOf = ({ attrs }: Tree.Element): Record<string, string | undefined> =>
  Object.fromEntries(attrs.map(({ name, value }) => [name, value]));
export const elementsIn = (parent: Tree.ParentNode): Tree.Element[] =>
  parent.childNodes.filter((child): child is Tree.Element => "tagName" in child);

/** What another editor's attributes were, where we have written them. */
function held(attributes: Record<string, string | undefined>): Attrs {
  try {
    const value: unknown = JSON.parse(attributes["data-unknown-attrs"] ?? "{}");
    return typeof value === "object" && value !== null ? value as Attrs : {};
  } catch {
    return {};
  }
}

/** Leaves out what the schema would not take: HTML is no place for what a script or style may be. */
function typed(type: string, element: Tree.Element, attrs: Record<string, unknown> = {}): Typed {
  const valid = Object.entries(attrs).filter(([name, value]) =>
    value !== undefined && isValidAttribute(name, value)
  );
  return { type, attrs: { ...Object.fromEntries(valid) as Attrs, ...held(attributesOf(element)) } };
}

function styleOf(style: string): Record<string, string> {
  const attrs: Record<string, string> = {};
  for (const declaration of style.split(";")) {
    const at = declaration.indexOf(":");
    const name = STYLES[declaration.slice(0, Math.max(0, at)).trim().toLowerCase()];
    if (name) attrs[name] = declaration.slice(at + 1).trim();
  }
  return attrs;
}

export function markOfElement(element: Tree.Element): Typed | undefined {
  const { tagName } = element;
  const given = attributesOf(element);
  const name = Object.hasOwn(MARKS, tagName) ? MARKS[tagName] : undefined;
  if (name) return typed(name, element);
  if (tagName === "mark") {
    const color = given["data-color"] ?? styleOf(given.style ?? "").backgroundColor;
    return typed("highlight", element, { color });
  }
  if (tagName === "a" && given.href !== undefined && isValidAttribute("href", given.href)) {
    const { href, target = null, rel = null, title } = given;
    return typed("link", element, { href, target, rel, class: given.class, title });
  }
  if (tagName === "span" && given.style !== undefined) {
    return typed("textStyle", element, styleOf(given.style));
  }
  if (tagName === "font") return typed("textStyle", element, { color: given.color });
  return undefined;
}

const wholeOf = (text: string | undefined) =>
  text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
const sizeOf = (text: string | undefined) =>
  text !== undefined && /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : text;

/** The checkbox with which a list item of a task begins, as GitHub writes it. */
function checkboxOf(item: Tree.Element, depth = 0): Tree.Element | undefined {
  const [first] = item.childNodes.filter((child) =>
    !("value" in child) || child.value.trim() !== ""
  );
  if (!first || !("tagName" in first)) return undefined;
  if (first.tagName === "input" && attributesOf(first).type === "checkbox") return first;
  return depth < 2 && /^(?:p|label)$/.test(first.tagName)
    ? checkboxOf(first, depth + 1)
    : undefined;
}

function itemOf(element: Tree.Element): Typed {
  const { "data-type": type, "data-checked": checked } = attributesOf(element);
  if (type === "taskItem") {
    return typed(type, element, { checked: checked === "true" || checked === "" });
  }
  const box = checkboxOf(element);
  if (!box) return typed("listItem", element);
  return typed("taskItem", element, { checked: attributesOf(box).checked !== undefined });
}

function cellOf(type: string, element: Tree.Element): Typed {
  const given = attributesOf(element);
  const align = given.align ?? /text-align:\s*(\w+)/.exec(given.style ?? "")?.[1];
  const colwidth = given.colwidth?.split(",").map(Number);
  const [colspan, rowspan] = [wholeOf(given.colspan), wholeOf(given.rowspan)];
  return typed(type, element, { colspan, rowspan, colwidth, align });
}

/** The block that the element is, if it is one that holds others or text. */
export function blockOfElement(element: Tree.Element): Typed | undefined {
  const { tagName } = element;
  const given = attributesOf(element);
  const level = /^h([1-6])$/.exec(tagName)?.[1];
  if (level) return typed("heading", element, { level: Number(level) });
  if (tagName === "p") return typed("paragraph", element);
  if (tagName === "details") return typed("details", element);
  if (tagName === "summary") return typed("detailsSummary", element);
  if (given["data-type"] === "detailsContent") return typed("detailsContent", element);
  const name = Object.hasOwn(BLOCKS, tagName) ? BLOCKS[tagName] : undefined;
  if (name === "listItem") return itemOf(element);
  if (name === "tableCell" || name === "tableHeader") return cellOf(name, element);
  if (name === "orderedList") {
    return typed(name, element, { start: wholeOf(given.start) ?? 1, type: given.type });
  }
  if (name === "bulletList" && given["data-type"] === "taskList") return typed("taskList", element);
  return name ? typed(name, element) : undefined;
}

/** The node that the element is, if it is one without content. */
export function leafOfElement(element: Tree.Element): Typed | undefined {
  const { tagName } = element;
  const given = attributesOf(element);
  if (tagName === "br") return typed("hardBreak", element);
  if (tagName === "hr") return typed("horizontalRule", element);
  if (tagName === "img" && given.src !== undefined && isValidAttribute("src", given.src)) {
    const { src, alt, title } = given;
    const [width, height] = [sizeOf(given.width), sizeOf(given.height)];
    return typed("inlineImage", element, { src, alt, title, width, height });
  }
  if (tagName === "span" && given["data-type"] === "mention") {
    const [id, label] = [given["data-id"], given["data-label"]];
    const mentionSuggestionChar = given["data-mention-suggestion-char"] ?? "@";
    return typed("mention", element, { id, label, mentionSuggestionChar });
  }
  return undefined;
}
