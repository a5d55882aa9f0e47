import type { Extensions, Node, NodeViewRenderer } from "@tiptap/core";

/** What is larger is not shown: it would be held in memory as a whole. */
const MAX_PICTURE_BYTES = 20 * 1024 * 1024;
const NOT_SHOWN = "It can't be shown here.";

/** Where the picture comes from, if it may be drawn without asking anybody else's server. */
function ownSource(src: string): string | undefined {
  if (/^data:image\//i.test(src)) return src;
  const url = URL.parse(src, location.href);
  return url?.origin === location.origin && /^https?:$/.test(url.protocol) ? url.href : undefined;
}

function pictureElement(src: string, alt: string): HTMLImageElement {
  const picture = document.createElement("img");
  picture.src = src;
  picture.alt = alt;
  return picture;
}

/** Reads a picture from elsewhere, without saying who asks. */
async function fetchPicture(address: string, signal: AbortSignal): Promise<Blob> {
  const answer = await fetch(address, {
    ...{ signal, credentials: "omit", referrerPolicy: "no-referrer" },
  });
  const blob = await answer.blob();
  const isPicture = answer.ok && blob.type.startsWith("image/") && blob.size <= MAX_PICTURE_BYTES;
  if (!isPicture) throw new TypeError(NOT_SHOWN);
  return blob;
}

/**
 * A picture from elsewhere is not loaded by itself: its server would learn who reads the note, and
 * when. It is fetched when its reader wants it, where that server lets other pages read it.
 */
function foreignPicture(tag: "p" | "span", address: string, alt: string) {
  const ending = new AbortController();
  const dom = document.createElement(tag);
  dom.className = "note-picture";
  dom.contentEditable = "false";
  const url = URL.parse(address);
  const isFetchable = url !== null && /^https?:$/.test(url.protocol);
  const words = document.createElement("span");
  words.textContent = `Picture: ${alt || address}`;
  dom.append(words);
  let shown: string | undefined;
  if (isFetchable) {
    const show = document.createElement("button");
    show.type = "button";
    show.className = "link";
    show.textContent = "Show";
    show.setAttribute("aria-label", `Show the picture from ${url.host}`);
    show.title = `Loads it from ${url.host}, which learns that somebody reads it`;
    show.addEventListener("click", () => {
      show.disabled = true;
      fetchPicture(url.href, ending.signal).then((blob) => {
        shown = URL.createObjectURL(blob);
        dom.replaceChildren(pictureElement(shown, alt));
        dom.className = "note-picture shown";
      }, () => {
        if (!ending.signal.aborted) dom.replaceChildren(words, ` ${NOT_SHOWN} `, opener(url));
      });
    });
    dom.append(" ", show);
  }
  return {
    dom,
    stopEvent: ({ target }: Event) => target instanceof Element && target.closest("button, a"),
    ignoreMutation: () => true,
    destroy() {
      ending.abort();
      if (shown) URL.revokeObjectURL(shown);
    },
  };
}

function opener({ href, host }: URL): HTMLAnchorElement {
  const link = document.createElement("a");
  Object.assign(link, { href, target: "_blank", rel: "noopener noreferrer" });
  link.textContent = `Open it at ${host}`;
  return link;
}

const TAGS: Readonly<Record<string, "p" | "span">> = { image: "p", inlineImage: "span" };

/** The extensions, with pictures as the page shows them. */
export function withPictures(extensions: Extensions): Extensions {
  return extensions.map((extension) => {
    const tag = TAGS[extension.name];
    if (!tag || extension.type !== "node") return extension;
    const view: NodeViewRenderer = ({ node }) => {
      const [src, alt] = [String(node.attrs.src ?? ""), String(node.attrs.alt ?? "")];
      const own = ownSource(src);
      if (own) return { dom: pictureElement(own, alt) };
      const { stopEvent, ...rest } = foreignPicture(tag, src, alt);
      return { ...rest, stopEvent: (event) => Boolean(stopEvent(event)) };
    };
    return (extension as Node).extend({ addNodeView: () => view });
  });
}
