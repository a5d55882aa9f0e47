import { Extension } from "@tiptap/core";
import { Fragment, Slice } from "prosemirror-model";
import { Plugin, PluginKey } from "prosemirror-state";
import type { EditorView } from "prosemirror-view";
import { messageOf } from "../../client/errors.ts";
import { documentOf } from "../../note_schema/lenient.ts";
import { toast } from "../ui/toasts.tsx";
import { assetFailed } from "../version.ts";

/** Signs that a text is meant as Markdown: a heading, an item, a fence, a quote, a table, a link, bold. */
const SIGNS = [
  /^#{1,6} \S/m,
  /^\s*([-*+]|\d{1,9}[.)]) \S/m,
  /^\s*(```|~~~)/m,
  /^> ?\S/m,
  /^\s*\|?\s*:?-{3,}:?\s*\|/m,
  /\[[^\]\n]+\]\([^)\s]+\)/,
  /(\*\*|__)[^\s*_][^\n]*?\1/,
  /`[^`\n]+`/,
];
/** Reading more than this takes long enough to be felt; it is pasted as it is. */
const MAX_LENGTH = 256 * 1024;

export const isMarkdown = (text: string): boolean =>
  text.length <= MAX_LENGTH && SIGNS.some((sign) => sign.test(text));

/** What reads Markdown is loaded when somebody first pastes some. */
async function paste(view: EditorView, text: string): Promise<void> {
  const { fromMd } = await import("../../note_schema/markdown_reader.ts");
  if (view.isDestroyed || !view.editable) return;
  const { schema, tr } = view.state;
  const { content } = schema.nodeFromJSON(documentOf(fromMd(text)).toJSON());
  const [first, last] = [content.firstChild, content.lastChild];
  // Words at its ends join those that they are pasted among.
  const slice = content.childCount === 1 && first?.type.name === "paragraph"
    ? new Slice(first.content, 0, 0)
    : new Slice(
      Fragment.from(content),
      first?.type.name === "paragraph" ? 1 : 0,
      last?.type.name === "paragraph" ? 1 : 0,
    );
  view.dispatch(tr.replaceSelection(slice).scrollIntoView().setMeta("paste", true));
}

/** Markdown that is pasted becomes what it means; with Shift it stays as it is written. */
export const pastedMarkdown = Extension.create({
  name: "pastedMarkdown",
  addProseMirrorPlugins() {
    let isPlain = false;
    return [
      new Plugin({
        key: new PluginKey("pastedMarkdown"),
        props: {
          handleDOMEvents: {
            keydown(_view, { shiftKey }) {
              isPlain = shiftKey;
              return false;
            },
          },
          handlePaste(view, { clipboardData }) {
            if (!clipboardData || isPlain || clipboardData.types.includes("text/html")) {
              return false;
            }
            if (view.state.selection.$from.parent.type.spec.code) return false;
            const text = clipboardData.getData("text/plain").replace(/\r\n?/g, "\n");
            if (!isMarkdown(text)) return false;
            paste(view, text).catch((thrown) => {
              assetFailed();
              toast(messageOf(thrown), "error");
            });
            return true;
          },
        },
      }),
    ];
  },
});
