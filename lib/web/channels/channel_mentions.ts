import { MENTION } from "../../markdown/mentions.ts";

/** A person or a model that a text can mention, in the kinds of Open WebUI's mentions. */
export interface Mentionable {
  kind: "U" | "M";
  id: string;
  name: string;
}

const SPECIAL = /[.*+?^${}()|[\]\\]/g;

/** Whether a mention of it can be written. */
export const canBeMentioned = ({ id, name }: Mentionable): boolean =>
  name !== "" && !/[<>|]/.test(name) && !/[<>|\s]/.test(id);

/** `@Echo` in a text becomes a mention of who has that name: of several, the first. */
export function withMentions(text: string, known: readonly Mentionable[]): string {
  const named = known.filter(canBeMentioned);
  if (named.length === 0) return text;
  // The longest name first: `@GPT 4 mini` is not `@GPT 4` and a word.
  const names = named.map(({ name }) => name).sort((a, b) => b.length - a.length)
    .map((name) => name.replace(SPECIAL, "\\$&"));
  const mention = new RegExp(`(?<![\\p{L}\\p{N}<])@(${names.join("|")})(?![\\p{L}\\p{N}])`, "giu");
  return text.replace(mention, (whole, name: string) => {
    const one = named.find((one) => one.name.toLowerCase() === name.toLowerCase());
    return one ? `<@${one.kind}:${one.id}|${one.name}>` : whole;
  });
}

/** A text as it was typed, and who it mentions: for who changes it. */
export function asTyped(content: string): { text: string; mentioned: Mentionable[] } {
  const mentioned: Mentionable[] = [];
  const text = content.replace(
    MENTION,
    (whole, sign: string, kind: string, id: string, name?: string) => {
      if (sign !== "@" || (kind !== "U" && kind !== "M") || !name) return whole;
      mentioned.push({ kind, id, name });
      return `@${name}`;
    },
  );
  return { text, mentioned };
}

/** A text in one line, with names for mentions. */
export const inShort = (content: string, length: number): string => {
  const text = content.replace(
    MENTION,
    (_, sign: string, _kind, id: string, name?: string) => sign + (name || id),
  ).replace(/\s+/g, " ").trim();
  return text.length > length ? `${text.slice(0, length - 1)}…` : text;
};

/** Whether the text mentions this person. */
export const mentionsPerson = (content: string, userId: string): boolean =>
  [...content.matchAll(MENTION)].some(([, sign, kind, id]) =>
    sign === "@" && kind === "U" && id === userId
  );
