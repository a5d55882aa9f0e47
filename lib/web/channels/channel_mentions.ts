import type { Model } from "../app_session.ts";

const SPECIAL = /[.*+?^${}()|[\]\\]/g;

/** `@Echo` in a text becomes Open WebUI's mention of the model of that name. */
export function withMentions(text: string, models: readonly Model[]): string {
  const named = models.filter(({ id, name, isDirect }) =>
    !isDirect && name !== "" && !/[<>|]/.test(name) && !/[<>|\s]/.test(id)
  );
  if (named.length === 0) return text;
  // The longest name first: `@GPT 4 mini` is not `@GPT 4` and a word.
  const names = named.map(({ name }) => name).sort((a, b) => b.length - a.length)
    .map((name) => name.replace(SPECIAL, "\\$&"));
  const mention = new RegExp(`(?<![\\p{L}\\p{N}<])@(${names.join("|")})(?![\\p{L}\\p{N}])`, "giu");
  return text.replace(mention, (whole, name: string) => {
    const model = named.find((one) => one.name.toLowerCase() === name.toLowerCase());
    return model ? `<@M:${model.id}|${model.name}>` : whole;
  });
}
