import type { Editor } from "@tiptap/core";
import { askText } from "../ui/dialogs.tsx";
import { toast } from "../ui/toasts.tsx";
import { rememberSelection } from "./note_places.ts";

/** An address as a person types it, with what they leave out. */
export function addressFrom(typed: string): string {
  const text = typed.trim();
  if (text === "" || /^([a-z][a-z0-9+.-]*:|[/#?])/i.test(text)) return text;
  return /^[^\s/@]+@[^\s/@]+$/.test(text) ? `mailto:${text}` : `https://${text}`;
}

/** Whether a note's link may lead there. */
export const isLinkable = (href: string): boolean =>
  /^((https?|ftp|mailto|tel):|[/#?])/i.test(href);

/** Asks where the words are to lead; nothing takes the link away. */
export async function askLink(editor: Editor): Promise<void> {
  const current = String(editor.getAttributes("link").href ?? "");
  const typed = await askText({
    title: "Where does the link lead?",
    message: current ? "Leave it empty to take the link away." : "",
    placeholder: "https://example.org",
    value: current,
  });
  if (typed === false || editor.isDestroyed) return;
  const href = addressFrom(typed);
  const chain = editor.chain().focus().extendMarkRange("link");
  if (href === "") return void chain.unsetLink().run();
  if (!isLinkable(href)) return toast("A note can't link to that address.", "error");
  if (editor.state.selection.empty && !current) chain.insertContent(linked(typed.trim(), href));
  else chain.setLink({ href });
  chain.run();
}

const linked = (text: string, href: string) => ({
  ...{ type: "text", text },
  marks: [{ type: "link", attrs: { href } }],
});

/** Asks for a picture's address, and what it shows. */
export async function askPicture(editor: Editor): Promise<void> {
  const selectAgain = rememberSelection(editor);
  const typed = await askText({
    title: "The picture's address",
    message: "It is loaded when a reader wants to see it.",
    placeholder: "https://example.org/picture.png",
    value: "",
  });
  const src = typed === false ? "" : addressFrom(typed);
  if (src === "" || editor.isDestroyed) return;
  if (!/^(https?:|data:image\/|\/)/i.test(src)) {
    return toast("That is no picture's address.", "error");
  }
  const alt = await askText({
    title: "What does it show?",
    message: "For who can't see it. It may stay empty.",
    placeholder: "A cat on a keyboard",
    value: "",
  });
  if (alt === false || editor.isDestroyed) return;
  selectAgain();
  // By its name: the command of TipTap's makes the picture among words, which extends it.
  const attrs = { src, ...(alt && { alt }) };
  editor.chain().focus().insertContent({ type: "image", attrs }).run();
}
