import type { ChatMessage } from "../../protocol/chat.ts";

/** What providers call the tokens of an answer. */
const NAMES = ["completion_tokens", "output_tokens", "eval_count"];
/** Writing without spaces: about a token each. */
const WIDE = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Hangul}]/gu;
/** Letters of other writing that make a token, about. */
const LETTERS_A_TOKEN = 4;

type Measured = Pick<ChatMessage, "content" | "reasoning_content" | "usage" | "timing">;

/** How many tokens an answer has and how fast they came; `undefined` where nobody measured. */
export function figuresOf(message: Measured): { text: string; title: string } | undefined {
  const { usage, timing } = message;
  const told = NAMES.map((name) => usage?.[name]).find((count) => typeof count === "number");
  const count = told ?? (timing && estimated(message));
  if (count === undefined || count === 0) return undefined;
  const words = count === 1 ? "token" : "tokens";
  const seconds = (timing?.streaming_ms ?? 0) / 1_000;
  const speed = seconds > 0 && count > 1 ? count / seconds : undefined;
  const by = told === undefined ? "Estimated from the text: the provider told no count." : "";
  const prompt = usage?.prompt_tokens ?? usage?.input_tokens;
  return {
    text: `${told === undefined ? "about " : ""}${count.toLocaleString("en")} ${words}` +
      (speed === undefined ? "" : ` · ${speed < 10 ? speed.toFixed(1) : speed.toFixed(0)}/s`),
    title: [
      by,
      typeof prompt === "number" && `${prompt.toLocaleString("en")} tokens were read.`,
      timing && `It began after ${(timing.first_ms / 1_000).toFixed(1)} s` +
        ` and took ${seconds.toFixed(1)} s.`,
    ].filter(Boolean).join(" "),
  };
}

/** How many tokens a text has, about. */
function estimated({ content, reasoning_content: thought = "" }: Measured): number {
  const text = content + thought;
  const wide = text.match(WIDE)?.length ?? 0;
  return Math.ceil(wide + (text.length - wide) / LETTERS_A_TOKEN);
}

/** Tokens and speed, below an answer. */
export function AnswerFigures({ message }: { message: ChatMessage }) {
  const figures = figuresOf(message);
  if (!figures) return null;
  return <span class="figures" title={figures.title}>{figures.text}</span>;
}
