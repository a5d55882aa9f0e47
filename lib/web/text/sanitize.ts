import DOMPurify from "dompurify";
import { isSafePicture } from "../../markdown/data_pictures.ts";

/** What a text may become: no styles, no forms, no frames, nothing that runs or loads. */
const ALLOWED = {
  ALLOWED_TAGS: (
    "a b blockquote br code del details div em h1 h2 h3 h4 h5 h6 hr i img input kbd li ol p pre " +
    "s span strong sub summary sup table tbody td th thead tr u ul"
  ).split(" "),
  ALLOWED_ATTR: "href title src alt start align type checked disabled class tabindex".split(" "),
  // Whatever is not named here is held against the pattern of addresses, a list's number, too.
  ADD_URI_SAFE_ATTR: ["start", "align", "type", "checked", "disabled", "tabindex"],
  ALLOWED_URI_REGEXP: /^(?:https?|mailto|tel):|^#/i,
  ALLOW_DATA_ATTR: false,
};
const CLASSES = /^(?:language-[\w+#.-]+|math-inline|math-display|mention|table-frame)$/;
/** What holds texts of a direction of their own. */
const LEAVES = new Set("P H1 H2 H3 H4 H5 H6 TD TH SUMMARY".split(" "));
/** What is laid out by the direction of the texts within. */
const FRAMES = new Set("UL OL LI BLOCKQUOTE TABLE DETAILS DIV".split(" "));
const LETTER = /\p{L}/u;
const RIGHT_TO_LEFT =
  /[\p{sc=Hebrew}\p{sc=Arabic}\p{sc=Syriac}\p{sc=Thaana}\p{sc=Nko}\p{sc=Samaritan}\p{sc=Mandaic}\p{sc=Adlam}]/u;

const purifier = DOMPurify(globalThis as unknown as Parameters<typeof DOMPurify>[0]);

purifier.addHook("afterSanitizeAttributes", (node) => {
  if (node.tagName === "A") {
    node.setAttribute("target", "_blank");
    node.setAttribute("rel", "noopener noreferrer nofollow");
  }
  // Only the boxes of task lists; they can't be ticked here.
  if (node.tagName === "INPUT") {
    if (node.getAttribute("type") !== "checkbox") node.remove();
    else {
      node.setAttribute("disabled", "");
      node.setAttribute("aria-label", node.hasAttribute("checked") ? "Done" : "Open");
    }
  }
  if (node.hasAttribute("class") && !CLASSES.test(node.className)) node.removeAttribute("class");
  if (node.tagName === "IMG" && !isSafePicture(node.getAttribute("src") ?? "")) asLink(node);
  // The bidirectional algorithm passes over what has a direction itself, so a frame's is found here.
  if (LEAVES.has(node.tagName)) node.setAttribute("dir", "auto");
  else if (FRAMES.has(node.tagName)) node.setAttribute("dir", directionOf(node.textContent ?? ""));
  else if (node.tagName === "CODE" || node.tagName === "PRE") node.setAttribute("dir", "ltr");
});

/** The direction of the first letter, as `dir="auto"` finds it. */
function directionOf(text: string): "ltr" | "rtl" {
  const [letter = ""] = LETTER.exec(text) ?? [];
  return RIGHT_TO_LEFT.test(letter) ? "rtl" : "ltr";
}

/** A picture from elsewhere would tell its server who reads what: it is a link, to open or not. */
function asLink(picture: Element): void {
  const source = picture.getAttribute("src") ?? "";
  const isAddress = /^https?:/i.test(source);
  const link = picture.ownerDocument.createElement("a");
  link.textContent = picture.getAttribute("alt") || (isAddress && source) || "Picture";
  if (isAddress) {
    link.href = source;
    link.target = "_blank";
    link.rel = "noopener noreferrer nofollow";
  }
  picture.replaceWith(link);
}

/** HTML in which nothing runs, nothing loads, and each text has the direction of its script. */
export function sanitized(html: string): string {
  return purifier.sanitize(html, ALLOWED);
}
