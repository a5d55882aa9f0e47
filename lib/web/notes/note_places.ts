import type { Editor } from "@tiptap/core";
import {
  getRelativeSelection,
  type ProsemirrorBinding,
  relativePositionToAbsolutePosition,
  ySyncPluginKey,
} from "y-prosemirror";
import * as Y from "yjs";

const MAX_LENGTH = 40;

/** Where another's caret stands in the editor's document; `undefined`: nowhere in it. */
export function caretOf(editor: Editor, state: Readonly<Record<string, unknown>>) {
  const binding: ProsemirrorBinding | undefined = ySyncPluginKey.getState(editor.state)?.binding;
  const cursor = state["cursor"] as { head?: unknown } | null | undefined;
  if (!binding || !cursor?.head) return undefined;
  try {
    const head = Y.createRelativePositionFromJSON(cursor.head);
    const at = relativePositionToAbsolutePosition(
      binding.doc,
      binding.type as Y.XmlFragment,
      head,
      binding.mapping,
    );
    return at === null || at > editor.state.doc.content.size ? undefined : at;
  } catch {
    // It comes from another's browser, and may be anything.
    return undefined;
  }
}

/**
 * Remembers what is selected, whatever others write meanwhile. Returns what selects it again: a
 * browser that gives the focus back to a text puts the caret at its beginning.
 */
export function rememberSelection(editor: Editor): () => void {
  const binding: ProsemirrorBinding = ySyncPluginKey.getState(editor.state).binding;
  const { anchor, head } = getRelativeSelection(binding, editor.state);
  const type = binding.type as Y.XmlFragment;
  return () => {
    const [from, to] = [anchor, head].map((position) =>
      relativePositionToAbsolutePosition(binding.doc, type, position, binding.mapping)
    );
    if (typeof from === "number" && typeof to === "number") {
      editor.commands.setTextSelection({ from: Math.min(from, to), to: Math.max(from, to) });
    }
  };
}

/** Under which heading a place is; empty: under none. */
export function headingAt(editor: Editor, at: number): string {
  let heading = "";
  editor.state.doc.nodesBetween(0, at, (node, pos) => {
    if (node.type.name === "heading" && pos <= at) heading = node.textContent;
    return !node.isTextblock;
  });
  return heading.length > MAX_LENGTH ? `${heading.slice(0, MAX_LENGTH)}…` : heading;
}

/** Brings a place into sight. One's own caret stays where it is. */
export function showPlace(editor: Editor, at: number): void {
  const { node } = editor.view.domAtPos(at);
  const element = node instanceof Element ? node : node.parentElement;
  element?.scrollIntoView({ block: "center" });
}
