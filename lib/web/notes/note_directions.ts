import type { Extensions, Node } from "@tiptap/core";

/** Their markers and edges stand on the side where their text begins. */
const auto = { HTMLAttributes: { dir: "auto" } };
const LISTS: ReadonlySet<string> = new Set(["bulletList", "orderedList", "taskList"]);

/**
 * The extensions, with lists and quotes that begin on the side of their first letter. What is in them
 * has no `dir` of its own, which would hide its letters from theirs: each paragraph finds its side by
 * its style.
 */
export function withDirections(extensions: Extensions): Extensions {
  return extensions.map((extension) => {
    if (extension.name === "starterKit") return extension.configure({ blockquote: auto });
    return LISTS.has(extension.name) ? (extension as Node).configure(auto) : extension;
  });
}
