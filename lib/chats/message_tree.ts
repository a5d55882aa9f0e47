/**
 * The messages of a chat as one tree. `parentId` is what counts; `childrenIds` say the order. So
 * whatever writers of single messages left behind, what is read agrees with itself.
 */
import type { ChatMessage } from "../protocol/chat.ts";

export type Messages = Record<string, ChatMessage>;

export interface History {
  currentId: string | null;
  messages: Messages;
}

/**
 * Makes parents, children and the current message agree: a parent that is gone is none, a circle is
 * opened, each child stands once under its parent, and the current message is the end of its branch.
 *
 * @param inOrder all messages, in the order in which they came
 */
export function asTree(inOrder: readonly ChatMessage[], currentId: string | null): History {
  const parents = parentsOf(inOrder);
  const children = new Map<string, string[]>();
  for (const { id } of inOrder) {
    const parent = parents.get(id);
    if (!parent) continue;
    const siblings = children.get(parent);
    if (siblings) siblings.push(id);
    else children.set(parent, [id]);
  }
  const messages: Messages = {};
  for (const message of inOrder) {
    const parentId = parents.get(message.id) ?? null;
    const childrenIds = ordered(message.childrenIds, children.get(message.id) ?? []);
    const isRoot = parentId === null && (message.parentId ?? null) === null;
    messages[message.id] = isRoot
      ? { ...message, childrenIds }
      : { ...message, parentId, childrenIds };
  }
  const known = currentId !== null && Object.hasOwn(messages, currentId) ? currentId : undefined;
  const at = known ?? inOrder.at(-1)?.id ?? null;
  return { currentId: at === null ? null : endOfBranch(messages, at), messages };
}

/** The parent of each message, without those that are gone and without circles. */
function parentsOf(messages: readonly ChatMessage[]): Map<string, string | null> {
  const parents = new Map<string, string | null>();
  const ids = new Set(messages.map(({ id }) => id));
  for (const { id, parentId } of messages) {
    parents.set(id, parentId && ids.has(parentId) ? parentId : null);
  }
  const rooted = new Set<string>();
  for (const { id } of messages) {
    const above = parents.get(id) ?? null;
    if (above === null || rooted.has(above)) {
      // As a rule a parent has come before its children: ten thousand need no path each.
      rooted.add(id);
      continue;
    }
    const path = new Set<string>();
    let at: string | null = id;
    while (at !== null && !rooted.has(at)) {
      path.add(at);
      const parent: string | null = parents.get(at) ?? null;
      if (parent !== null && path.has(parent)) parents.set(at, null);
      at = parents.get(at) ?? null;
    }
    for (const one of path) rooted.add(one);
  }
  return parents;
}

/** The children in the order that was wished, those that nobody placed at the end. */
function ordered(wished: readonly string[], children: readonly string[]): string[] {
  if (children.length < 2) return [...children];
  const all = new Set(children);
  return [...new Set([...wished.filter((id) => all.has(id)), ...children])];
}

/** From a message down its newest children to where the branch ends. */
export function endOfBranch(messages: Messages, id: string): string {
  for (let at = id;;) {
    const next = messages[at]?.childrenIds.at(-1);
    if (next === undefined) return at;
    at = next;
  }
}
