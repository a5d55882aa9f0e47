/** JSON that anybody may have written, cut off where it is nested too deep to be walked. */
import { type Json, type JsonMark, type JsonNode, MAX_DEPTH } from "./json_node.ts";

const MAX_ATTRIBUTE_DEPTH = 50;

/** The value without what is nested deeper than any attribute is. */
function bounded(value: unknown, depth = 0): Json {
  if (value === null || typeof value !== "object") return value as Json ?? null;
  if (depth >= MAX_ATTRIBUTE_DEPTH) return null;
  if (Array.isArray(value)) return value.map((one) => bounded(one, depth + 1));
  return boundedAttributes(value, depth + 1);
}

/** Attributes that are nested without end are cut off, as content is. */
export function boundedAttributes(value: object, depth = 0): { [name: string]: Json } {
  const entries = Object.entries(value).filter(([, one]) => one !== undefined);
  return Object.fromEntries(entries.map(([name, one]) => [name, bounded(one, depth)]));
}

const isObject = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export function boundedMarks(marks: unknown): JsonMark[] {
  if (!Array.isArray(marks)) return [];
  return marks.filter((mark) => typeof mark?.type === "string").map(({ type, attrs }) => ({
    ...{ type },
    ...(isObject(attrs) && { attrs: boundedAttributes(attrs) }),
  }));
}

/** A node as some client sent it: only what a node has, and no deeper than can be walked. */
export function boundedNode(value: unknown, depth = 0): JsonNode[] {
  if (!isObject(value)) return [];
  const { type, text, attrs, marks, content }: Record<string, unknown> = { ...value };
  if (typeof type !== "string") return [];
  const held = boundedMarks(marks);
  return [{
    ...{ type },
    ...(typeof text === "string" && { text }),
    ...(isObject(attrs) && { attrs: boundedAttributes(attrs) }),
    ...(held.length > 0 && { marks: held }),
    ...(Array.isArray(content) && depth < MAX_DEPTH && {
      content: content.flatMap((child) => boundedNode(child, depth + 1)),
    }),
  }];
}
