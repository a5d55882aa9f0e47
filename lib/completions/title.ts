import { errorText } from "../common/errors.ts";
import type { Logger } from "../common/logger.ts";
import {
  type CompletionRequest,
  lastUserText,
  type ModelProvider,
  type RequestMessage,
} from "./model_provider.ts";
import { withoutThoughts } from "./request_messages.ts";
import { timeoutSignal } from "../common/deadline.ts";
import { untilAborted } from "../common/pause.ts";

/** The longest title, in UTF-16 units. */
const MAX_TITLE_LENGTH = 80;

/** A title is a few words, but some models think first. */
const MAX_TOKENS = 1_000;

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

/** The question's first words as a title; `undefined` when it has none. */
export function titleOfQuestion(messages: readonly RequestMessage[]): string | undefined {
  return asTitle(bareTitle(lastUserText(messages))) || undefined;
}

/**
 * A title of the model's own; `undefined` where it writes none, fails, takes too long, is cut at a
 * limit or writes more than a title. Never throws.
 */
export async function makeTitle(options: TitleOptions): Promise<string | undefined> {
  const { provider, logger } = options;
  if (!provider.writesTitles) return undefined;
  try {
    return await askModel(options) || undefined;
  } catch (error) {
    logger.info("the model gave no title", { error: errorText(error) });
    return undefined;
  }
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
  for await (const chunk of untilAborted(provider.stream(request, signal), signal)) {
    // Only the end of a thought was marked: what came before was no title.
    if (chunk.wasReasoning) text = "";
    text += chunk.content ?? "";
    const { finishReason = "stop" } = chunk;
    if (finishReason !== "stop") throw new Error(`the title ended by ${finishReason}`);
    if (text.length > 10 * MAX_TITLE_LENGTH) throw new Error("it is no title");
  }
  const title = asTitle(bareTitle(text), Infinity);
  if (title.length > MAX_TITLE_LENGTH) throw new Error("the title is too long");
  return title;
}

/** The first line of words, without what is put around one: thoughts, Markdown, quotes, a label. */
export function bareTitle(text: string): string {
  const lines = withoutThoughts(text).split("\n").map((line) => line.trim());
  // A line that announces the next one is none.
  const isTitle = (line: string) => line !== "" && !line.startsWith("```") && !line.endsWith(":");
  const first = lines.find(isTitle) ?? lines.find((line) => line !== "") ?? "";
  return first
    .replace(/^#{1,6}\s+/, "")
    .replace(/(\*\*|__|`)(.+?)\1/g, "$2")
    .replace(/^title\s*:\s*/i, "")
    .replace(/^(["'“«])(.*)(["'”»])$/, "$2")
    .trim();
}

/** The text as one line, cut at the end of a word, or within the first if that is too long. */
export function asTitle(text: string, maxLength = MAX_TITLE_LENGTH): string {
  const line = text.slice(0, 10 * MAX_TITLE_LENGTH).replace(/[\s\p{Cc}]+/gu, " ").trim();
  if (line.length <= maxLength) return line;
  const cut = line.slice(0, maxLength);
  const space = line[maxLength] === " " ? maxLength : cut.lastIndexOf(" ");
  return space > 0 ? cut.slice(0, space) : cut.replace(/[\uD800-\uDBFF]$/, "");
}
