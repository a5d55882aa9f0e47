/** A note's text in its three forms, and the JSON that each of them means. */
import { fromHtml } from "./html_reader.ts";
import { toHtml } from "./html_writer.ts";
import { boundedNode } from "./bounded_json.ts";
import type { JsonNode } from "./json_node.ts";
import { fromMd } from "./markdown_reader.ts";
import { toMd } from "./markdown_writer.ts";

/** `json` is ProseMirror's and the one that counts when it is there. */
export interface NoteSnapshot {
  md?: string | null;
  html?: string | null;
  json?: JsonNode | null;
}

/** The text of a note as JSON: its own, unless it is empty, else what its Markdown or HTML says. */
export function contentOf({ json, md, html }: NoteSnapshot): JsonNode {
  if (json && Array.isArray(json.content) && json.content.length > 0) {
    return { type: "doc", content: json.content.flatMap((child) => boundedNode(child)) };
  }
  if (md) return fromMd(md);
  return html ? fromHtml(html) : { type: "doc", content: [] };
}

/** The note in all its forms, each made from the JSON. */
export function snapshotFrom(json: JsonNode): NoteSnapshot {
  const isEmpty = (json.content?.length ?? 0) === 0;
  return { json, md: isEmpty ? "" : toMd(json), html: isEmpty ? "" : toHtml(json) };
}
