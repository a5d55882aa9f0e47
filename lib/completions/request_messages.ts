import type { RequestMessage } from "./model_provider.ts";
import { textOf } from "./model_provider.ts";
import { ThoughtSplitter } from "./thought_splitter.ts";

/** What an answer of ours carries, and no provider is to be sent back. */
const OWN_FIELDS = new Set([
  "reasoning_content",
  "reasoning",
  "reasoning_details",
  "thinking",
  "error",
  "done",
  "interrupted",
  "stopped",
  "generation",
  "finish_reason",
  "timing",
  "usage",
  "files",
]);

/** Open WebUI stores thoughts in the text, as such a block. */
const DETAILS = /<details type="reasoning"[^>]*>[^]*?<\/details>\s*/g;

/** A picture that a model returned in its text: sent back, it is a wall of letters. */
const PICTURE = /(!\[[^\]]{0,1000}\]\()data:image\/[^)\s]+\)/g;

/**
 * The messages as a model is asked with them: an answer without words (failed, stopped, refused,
 * empty) is left out, for some providers refuse the whole conversation for one; thoughts are never
 * sent back.
 */
export function sanitised(messages: readonly RequestMessage[]): RequestMessage[] {
  return messages.flatMap((message, at) => {
    if (message.role !== "assistant") return [message];
    const kept = Object.entries(message).filter(([name]) => !OWN_FIELDS.has(name));
    const { tool_calls: calls, ...answer } = Object.fromEntries(kept) as RequestMessage;
    const content = spoken(answer.content);
    // Calls without their results are refused: those that nobody carried out are left out.
    const hasCalls = Array.isArray(calls) && calls.length > 0 && messages[at + 1]?.role === "tool";
    if (textOf(content).trim() === "" && !hasCalls && !hasOtherParts(content)) return [];
    return [{ ...answer, content, ...(hasCalls && { tool_calls: calls }) }];
  });
}

const hasOtherParts = (content: unknown) =>
  Array.isArray(content) && content.some((part) => part?.type !== "text");

function spoken(content: unknown): unknown {
  if (typeof content === "string") return withoutThoughts(content);
  if (!Array.isArray(content)) return content;
  return content
    .filter((part) => !/think|reason/.test(String(part?.type ?? "")))
    .map((part) =>
      typeof part?.text === "string" ? { ...part, text: withoutThoughts(part.text) } : part
    );
}

/** What of a model's text was said, its thoughts and pictures taken out. */
export function withoutThoughts(text: string): string {
  const splitter = new ThoughtSplitter();
  const [first, last] = [splitter.push(text), splitter.end()];
  const said = (last.wasReasoning ? "" : first.content) + last.content;
  const words = said.includes("<details") ? said.replace(DETAILS, "") : said;
  return words.includes("data:image/") ? words.replace(PICTURE, "$1)") : words;
}
