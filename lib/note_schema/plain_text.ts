import type { JsonNode } from "./json_node.ts";

/** The text alone: what stands between blank lines is a paragraph. */
export function plainDocument(text: string): JsonNode {
  const blocks = text.split(/\n{2,}/).map((block) => block.trim()).filter((block) => block !== "");
  return {
    type: "doc",
    content: blocks.map((text) => ({ type: "paragraph", content: [{ type: "text", text }] })),
  };
}
