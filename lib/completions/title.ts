import { errorText } from "../common/errors.ts";
import type { Logger } from "../common/logger.ts";
import {
  type CompletionRequest,
  lastUserText,
  type ModelProvider,
  type RequestMessage,
} from "./model_provider.ts";
import { timeoutSignal } from "../common/deadline.ts";
import { untilAborted } from "../common/pause.ts";

/** The longest title, in UTF-16 units. */
const MAX_TITLE_LENGTH = 80;

const MAX_TOKENS = 60;

/** As much of the exchange as a title needs, in UTF-16 units. */
const MAX_QUOTED = 2_000;

export interface TitleOptions {
  provider: ModelProvider;
  model: string;
  /** The first exchange: what the user said and what was answered. */
  messages: readonly RequestMessage[];
  signal: AbortSignal;
  logger: Logger;
  /** How long the model may take, in milliseconds. Default: 15,000. */
  timeoutMs?: number;
}

/**
 * A title for a chat: the model's, or the first line of the user where the model has none, fails or
 * takes too long. One line, at most 80 characters, never empty. Throws only the signal's reason.
 */
export async function makeTitle(options: TitleOptions): Promise<string> {
  const { provider, messages, signal, logger } = options;
  if (provider.writesTitles) {
    try {
      const title = asTitle(await askModel(options));
      if (title !== "") return title;
    } catch (error) {
      signal.throwIfAborted();
      logger.info("the model gave no title", { error: errorText(error) });
    }
  }
  return asTitle(bareTitle(lastUserText(messages))) || "New Chat";
}

async function askModel(options: TitleOptions): Promise<string> {
  const { provider, model, messages, timeoutMs = 15_000 } = options;
  using timeout = timeoutSignal(timeoutMs, "The title");
  const signal = AbortSignal.any([options.signal, timeout.signal]);
  const exchange = JSON.stringify(messages.map(({ role, content }) => ({ role, content })));
  const request: CompletionRequest = {
    model,
    max_tokens: MAX_TOKENS,
    messages: [{
      role: "user",
      content: "Write a title of three to five words for this conversation, in its own language. " +
        `Answer with the title alone.\n\n${exchange.slice(0, MAX_QUOTED)}`,
    }],
  };
  let text = "";
  for await (const { content = "" } of untilAborted(provider.stream(request, signal), signal)) {
    text += content;
    if (text.length > 10 * MAX_TITLE_LENGTH) break;
  }
  return bareTitle(text);
}

/** The first line of words, without what is put around one: thoughts, Markdown, quotes, a label. */
export function bareTitle(text: string): string {
  const lines = text.replace(/<think>.*?(<\/think>|$)/s, "").split("\n").map((line) => line.trim());
  const first = lines.find((line) => line !== "" && !line.startsWith("```")) ?? "";
  return first
    .replace(/^#{1,6}\s+/, "")
    .replace(/(\*\*|__|`)(.+?)\1/g, "$2")
    .replace(/^title\s*:\s*/i, "")
    .replace(/^(["'“«])(.*)(["'”»])$/, "$2")
    .trim();
}

/** The text as one line, cut at the end of a word, or within the first if that is too long. */
export function asTitle(text: string): string {
  const line = text.slice(0, 10 * MAX_TITLE_LENGTH).replace(/[\s\p{Cc}]+/gu, " ").trim();
  if (line.length <= MAX_TITLE_LENGTH) return line;
  const cut = line.slice(0, MAX_TITLE_LENGTH);
  const space = line[MAX_TITLE_LENGTH] === " " ? MAX_TITLE_LENGTH : cut.lastIndexOf(" ");
  return space > 0 ? cut.slice(0, space) : cut.replace(/[\uD800-\uDBFF]$/, "");
}
