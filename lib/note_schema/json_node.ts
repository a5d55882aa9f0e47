/** ProseMirror's JSON, as notes are stored and exported in it. */
export type Json = string | number | boolean | null | Json[] | { [name: string]: Json | undefined };

export interface JsonMark {
  type: string;
  attrs?: { [name: string]: Json | undefined };
}

export interface JsonNode {
  type?: string;
  text?: string;
  attrs?: { [name: string]: Json | undefined };
  marks?: JsonMark[];
  content?: JsonNode[];
}

/** A document nested deeper is cut off: no text may exhaust the stack of who reads it. */
export const MAX_DEPTH = 150;

/** The text in the nodes, without their form. */
export function textOf(nodes: readonly JsonNode[], depth = 0): string {
  if (depth > MAX_DEPTH) return "";
  return nodes.map(({ text, content = [] }) => text ?? textOf(content, depth + 1)).join("");
}
