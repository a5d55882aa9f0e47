/**
 * What Open WebUI writes into the text of an answer beside its words: thoughts, calls of tools and
 * runs of code, each in a `<details type="…">` of its own. Pure, and as fast as the text is long.
 */
import type { ToolCall } from "./tool_card.tsx";

/** A part of an answer, in the order in which they stand. */
export type MessagePart =
  | { kind: "text"; text: string }
  | { kind: "thought"; text: string; isDone: boolean; ms?: number | undefined }
  | { kind: "tool"; call: ToolCall; isDone: boolean };

const BEGIN = /<details type="(reasoning|code_interpreter|tool_calls)"([^<>]*)>/g;
const END = "</details>";
const ATTRIBUTE = /([\w-]+)="([^"]*)"/g;
const ENTITIES: Record<string, string> = {
  ...{ "&quot;": '"', "&#34;": '"', "&#x27;": "'", "&#39;": "'" },
  ...{ "&lt;": "<", "&gt;": ">", "&amp;": "&" },
};

const decoded = (text: string): string =>
  text.replace(/&(?:quot|#34|#x27|#39|lt|gt|amp);/g, (entity) => ENTITIES[entity] ?? entity);

/** The parts of a text; one that has no such block is one part. */
export function partsOf(content: string): MessagePart[] {
  const parts: MessagePart[] = [];
  let at = 0;
  const say = (text: string) => {
    if (text.trim() !== "") parts.push({ kind: "text", text });
  };
  for (const begin of content.matchAll(BEGIN)) {
    const [tag, type = "", given = ""] = begin;
    // One that stands within another is part of it.
    if (begin.index < at) continue;
    const end = content.indexOf(END, begin.index);
    const inner = content.slice(begin.index + tag.length, end < 0 ? undefined : end);
    say(content.slice(at, begin.index));
    parts.push(partOf(type, attributesOf(given), inner, end >= 0));
    at = end < 0 ? content.length : end + END.length;
  }
  if (at === 0) return [{ kind: "text", text: content }];
  say(content.slice(at));
  return parts;
}

function partOf(
  type: string,
  { done, duration, name = "a tool", arguments: given = "", result }: Record<string, string>,
  inner: string,
  isClosed: boolean,
): MessagePart {
  const isDone = isClosed && done !== "false";
  const text = inner.replace(/^\s*<summary>[^<]*<\/summary>/, "").trim();
  if (type === "tool_calls") {
    const came = result ?? (isDone && text !== "" ? decoded(text) : undefined);
    return {
      ...{ kind: "tool", isDone },
      call: { name, given: unquoted(given), result: came && unquoted(came) },
    };
  }
  if (type === "code_interpreter") {
    return { kind: "tool", isDone, call: { name: "Python", given: text } };
  }
  const seconds = Number(duration ?? NaN);
  return {
    ...{ kind: "thought", isDone },
    // Thoughts stand there as a quotation.
    text: decoded(text.replace(/^> ?/gm, "")),
    ...(Number.isFinite(seconds) && { ms: seconds * 1_000 }),
  };
}

function attributesOf(given: string): Record<string, string> {
  return Object.fromEntries(
    given.matchAll(ATTRIBUTE).map(([, name = "", value = ""]) => [name, decoded(value)]),
  );
}

/** JSON that was written as a string of JSON once more. */
function unquoted(text: string): string {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "string" ? value : text;
  } catch {
    return text;
  }
}
