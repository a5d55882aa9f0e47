import { Editor } from "@tiptap/core";
import { Placeholder } from "@tiptap/extensions";
import type { DocumentProvider } from "../../client/document_provider.ts";
import { noteExtensions } from "../../note_schema/extensions.ts";
import type { JsonNode } from "../../note_schema/json_node.ts";
import { documentOf } from "../../note_schema/lenient.ts";
import { isOfComposition } from "../ui/ime.ts";
import { collaboration } from "./note_collaboration.ts";
import { linkKey, noteKeys } from "./note_keys.ts";
import { withDirections } from "./note_directions.ts";
import { withPictures } from "./note_pictures.ts";
import { pastedMarkdown } from "./pasted_markdown.ts";
import { slashMenu, type SlashMenuState } from "./slash_menu.tsx";

/** The schema's extensions, as the page shows them. */
const extensions = withPictures(withDirections(noteExtensions));

/** Shows a text that is no note's own, as the editor would. */
export function showText(place: HTMLElement, json: JsonNode): Editor {
  return new Editor({
    ...{ element: place, injectCSS: false, editable: false, extensions },
    content: documentOf(json).toJSON(),
    editorProps: { attributes: { class: "markdown", role: "document" } },
  });
}

/** Opens the editor of a note on its shared document. */
export function openEditor(
  place: HTMLElement,
  provider: DocumentProvider,
  { isEditable, menu }: { isEditable: () => boolean; menu: SlashMenuState },
): Editor {
  return new Editor({
    element: place,
    injectCSS: false,
    extensions: [
      ...extensions,
      collaboration(provider),
      noteKeys,
      linkKey,
      pastedMarkdown,
      slashMenu(menu),
      Placeholder.configure({
        placeholder: "Write. Markdown works, and / shows what can stand here.",
      }),
    ],
    editorProps: {
      editable: isEditable,
      // ProseMirror 1.x knows an Enter that ends a composition by its browser, not by its code.
      handleKeyDown: (_view, event) => event.key === "Enter" && isOfComposition(event),
      attributes: {
        class: "markdown",
        "aria-label": "Text of the note",
        "aria-description": "In lists and tables Tab moves within; Escape, then Tab leaves.",
        role: "textbox",
        "aria-multiline": "true",
      },
    },
  });
}
