import { MENTION } from "../markdown/mentions.ts";

/** Models that one message can call. */
const MAX_MODELS = 4;

/** The ids of the models that the text mentions, each once. */
export function mentionedModels(text: string): string[] {
  const ids = [...text.matchAll(MENTION)]
    .filter(([, , type]) => type === "M")
    .map(([, , , id]) => id ?? "");
  return [...new Set(ids)].slice(0, MAX_MODELS);
}

/** The text as a model reads it: mentions of models are gone, of anything else their labels stay. */
export function withoutMentions(text: string): string {
  return text
    .replace(
      MENTION,
      (_, _sign, type: string, id: string, label?: string) => type === "M" ? "" : `@${label || id}`,
    )
    .replace(/ {2,}/g, " ")
    .trim();
}
