import * as Y from "yjs";
import { type JsonNode, MAX_DEPTH } from "../note_schema/json_node.ts";
import {
  type Child,
  childFingerprint,
  childJson,
  childrenOf,
  elementAttributes,
  typeOf,
} from "../note_schema/yjs_content.ts";
import { replaceText } from "../note_schema/yjs_text.ts";

/** Above this many pairs to compare, only the common beginning and end are kept. */
const MAX_PAIRS = 250_000;

type Parent = Y.XmlFragment | Y.XmlElement;

/** Makes the fragment say `content`, touching only what differs. Call it inside a transaction. */
export function replaceContent(fragment: Y.XmlFragment, content: JsonNode): void {
  replaceChildren(fragment, childrenOf(content.content), 0);
}

function fingerprintOf(item: unknown): string {
  const [child] = childrenOf(childJson(item));
  return child ? childFingerprint(child) : "[]";
}

/** Pairs of equal entries, in order: the longest common subsequence between what begins and ends alike. */
function alignment(before: string[], after: string[]): [number, number][] {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start++;
  let end = 0;
  const most = Math.min(before.length, after.length) - start;
  while (end < most && before.at(-1 - end) === after.at(-1 - end)) end++;
  const pairs: [number, number][] = [];
  for (let at = 0; at < start; at++) pairs.push([at, at]);
  const [n, m] = [before.length - start - end, after.length - start - end];
  if (n * m > 0 && n * m <= MAX_PAIRS) {
    const width = m + 1;
    const longest = new Uint32Array((n + 1) * width);
    const at = (i: number, j: number) => longest[i * width + j] ?? 0;
    for (let i = n - 1; i >= 0; i--) {
      for (let j = m - 1; j >= 0; j--) {
        longest[i * width + j] = before[start + i] === after[start + j]
          ? at(i + 1, j + 1) + 1
          : Math.max(at(i + 1, j), at(i, j + 1));
      }
    }
    for (let i = 0, j = 0; i < n && j < m;) {
      if (before[start + i] === after[start + j]) pairs.push([start + i++, start + j++]);
      else if (at(i + 1, j) >= at(i, j + 1)) i++;
      else j++;
    }
  }
  for (let at = end; at > 0; at--) pairs.push([before.length - at, after.length - at]);
  return pairs;
}

function replaceChildren(parent: Parent, wanted: Child[], depth: number): void {
  const items = parent.toArray();
  const pairs = alignment(items.map(fingerprintOf), wanted.map(childFingerprint));
  let [itemAt, wantedAt, index] = [0, 0, 0];
  for (const [itemEnd, wantedEnd] of [...pairs, [items.length, wanted.length] as const]) {
    index = replaceGap(
      parent,
      index,
      items.slice(itemAt, itemEnd),
      wanted.slice(wantedAt, wantedEnd),
      depth,
    );
    [itemAt, wantedAt, index] = [itemEnd + 1, wantedEnd + 1, index + 1];
  }
}

/** Changes in place what is of the same kind, and replaces the rest; returns the index behind the gap. */
function replaceGap(
  parent: Parent,
  index: number,
  items: unknown[],
  wanted: Child[],
  depth: number,
): number {
  let at = index;
  let kept = 0;
  for (; kept < Math.min(items.length, wanted.length); kept++, at++) {
    const item = items[kept];
    const child = wanted[kept];
    if (!child) break;
    if (item instanceof Y.XmlText && "runs" in child) {
      replaceText(item, child.runs);
    } else if (
      item instanceof Y.XmlElement && "node" in child && item.nodeName === child.node.type &&
      depth < MAX_DEPTH
    ) {
      replaceAttributes(item, child.node);
      replaceChildren(item, childrenOf(child.node.content), depth + 1);
    } else {
      parent.delete(at, 1);
      parent.insert(at, [typeOf(child, depth)]);
    }
  }
  if (items.length > kept) parent.delete(at, items.length - kept);
  const added = wanted.slice(kept).map((child) => typeOf(child, depth));
  if (added.length > 0) parent.insert(at, added);
  return at + added.length;
}

function replaceAttributes(element: Y.XmlElement, node: JsonNode): void {
  const attrs = elementAttributes(node);
  const before: Record<string, unknown> = element.getAttributes();
  for (const name of Object.keys(before)) {
    if (!(name in attrs)) element.removeAttribute(name);
  }
  for (const [name, value] of Object.entries(attrs)) {
    if (JSON.stringify(before[name]) !== JSON.stringify(value)) {
      element.setAttribute(name, value as string);
    }
  }
}
