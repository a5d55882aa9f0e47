/** The longest part of a provider's own words that is shown, in UTF-16 units. */
const MAX_SHOWN = 300;

/** How much of a body is searched for words, in UTF-16 units. */
const MAX_READ = 100_000;

/** How deep the words of an error may be wrapped. */
const MAX_DEPTH = 8;

/** How many unknown fields are looked into. */
const MAX_OTHERS = 10;

type Fields = Record<string, unknown>;

export function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? value as Fields
    : undefined;
}

/** Where errors stand in other errors, the innermost first; then their words. */
const WRAPPERS = ["metadata", "raw", "error", "errors", "detail"];
const WORDS = [
  "message",
  "Message",
  "msg",
  "status_msg",
  "faultstring",
  "error_description",
  "error_message",
  "error_msg",
  "description",
  "reason",
  "title",
  "details",
  "data",
  "response",
  "type",
  "code",
];

/**
 * The innermost sentence of an error, whatever shape it has: an object of OpenAI's, Gemini's list,
 * FastAPI's details, a gateway's wrapping of another's body, a page's title, plain text. `undefined`
 * when it says nothing. The words are as the provider sent them: see {@linkcode shownWords}.
 */
export function wordsOf(value: unknown, depth = 0): string | undefined {
  if (depth > MAX_DEPTH) return undefined;
  if (typeof value === "string") return wordsOfText(value, depth);
  if (Array.isArray(value)) {
    for (const item of value.slice(0, 10)) {
      const words = wordsOf(item, depth + 1);
      if (words !== undefined) return words;
    }
    return undefined;
  }
  const fields = fieldsOf(value);
  if (!fields) return undefined;
  for (const name of WRAPPERS) {
    const words = wordsOf(fields[name], depth + 1);
    if (words !== undefined) return words;
  }
  for (const name of WORDS) {
    const words = wordsOf(fields[name], depth + 1);
    // FastAPI says apart which field it speaks of.
    if (words !== undefined) return name === "msg" ? withPlace(words, fields["loc"]) : words;
  }
  // Words of fields that nobody else has: by the field that a form has not liked, for example.
  const others = Object.values(fields).filter((value) => typeof value === "object");
  for (const value of others.slice(0, MAX_OTHERS)) {
    const words = wordsOf(value, depth + 1);
    if (words !== undefined) return words;
  }
  return undefined;
}

function withPlace(words: string, loc: unknown): string {
  const place = Array.isArray(loc) ? loc.filter((part) => part !== "body").join(".") : "";
  return place === "" ? words : `${place}: ${words}`;
}

function wordsOfText(text: string, depth: number): string | undefined {
  const trimmed = text.slice(0, MAX_READ).trim();
  if (/^<(!doctype|html|head|body|\?xml)/i.test(trimmed)) return titleOf(trimmed);
  const json = /[[{][^]*[\]}]/.exec(trimmed)?.[0];
  if (json !== undefined) {
    try {
      const words = wordsOf(JSON.parse(json), depth + 1);
      if (words !== undefined) return words;
    } catch {
      // It only looks like JSON: it is text.
    }
  }
  return trimmed === "" ? undefined : trimmed;
}

function titleOf(page: string): string | undefined {
  const title = /<title[^>]*>([^<]{1,200})/i.exec(page)?.[1]?.trim();
  if (title) return title;
  const [, body = ""] = /<body[^>]{0,1000}>([^]{1,10000})/i.exec(page) ?? [];
  const bare = body.replace(/<(script|style)\b[^]*?<\/\1>/gi, " ").replace(/<[^>]*>/g, " ");
  return bare.replace(/\s+/g, " ").trim() || undefined;
}

/**
 * The words of an error in what should be an answer; `undefined` when it is one. What has choices is
 * an answer, unless it names an error beside them.
 */
export function errorIn(value: unknown): string | undefined {
  if (Array.isArray(value)) {
    return value.length > 0 && fieldsOf(value[0])?.["error"] ? errorIn(value[0]) : undefined;
  }
  const body = fieldsOf(value);
  if (!body) return undefined;
  if (isTold(body["error"])) return wordsOf(body) ?? "no reason given";
  const choices = Array.isArray(body["choices"]) ? body["choices"].map(fieldsOf) : undefined;
  const failed = choices?.find((choice) => isTold(choice?.["error"]));
  if (failed) return wordsOf(failed["error"]) ?? "no reason given";
  const reason = choices?.map((choice) => String(choice?.["finish_reason"]).toLowerCase())
    .find((reason) => FAILURES.has(reason));
  if (reason !== undefined) return reason === "error" ? "no reason given" : reason;
  if (choices) return undefined;
  const isError = body["object"] === "error" || body["type"] === "error" ||
    ["errors", "detail"].some((name) => body[name]) ||
    ["message", "msg", "error_msg", "error_message"].some((name) => typeof body[name] === "string");
  return isError ? wordsOf(body) ?? "no reason given" : undefined;
}

/** Finish reasons of an answer that its provider gave up: of vLLM, SGLang, DeepSeek, Zhipu. */
const FAILURES = new Set(["error", "abort", "insufficient_system_resource", "network_error"]);

/** Some send an error in every chunk, with nothing in it. */
const isTold = (error: unknown) =>
  Boolean(error) && (typeof error !== "object" || Object.keys(Object(error)).length > 0);

/** What the words of a provider must not show. */
export interface Secrets {
  apiKey?: string | undefined;
  baseUrl?: string | undefined;
}

const SECRETS: [pattern: RegExp, shown: string][] = [
  [/\b(?:https?|wss?|grpc|tcp):\/\/[^\s"'<>)\]}]+/gi, "<address>"],
  [/\b(?:bearer|basic)\s+[\w.~+/*-]{4,}=*/gi, "<key>"],
  [/\b(?:sk|pk|rk|gsk|xai|hf|nvapi|glpat|ghp|r8|tgp|pplx)[-_][\w*.-]{6,}/g, "<key>"],
  [/\bAIza[\w*-]{10,}/g, "<key>"],
  [/\beyJ[\w-]{8,}\.[\w.-]+/g, "<key>"],
  [
    /\b(api[-_ ]?key|x-api-key|token|secret|password)(["']?\s*[:=]\s*["']?)(?=\S*\d)[\w*./+~-]{6,}/gi,
    "$1$2<key>",
  ],
  // A long run of letters and digits mixed is a key, not a word.
  [/\b(?=\w*\d)(?=\w*[A-Za-z])[A-Za-z0-9_]{32,}\b/g, "<key>"],
  [/[\w.+-]+@[\w-]+\.[\w.-]+/g, "<address>"],
  [/\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b/g, "<address>"],
  [/\[[0-9a-f]*:[0-9a-f:.]+\](?::\d+)?/gi, "<address>"],
  [/\b(?:[\w-]+\.)+[a-z]{2,}:\d{2,5}\b|\blocalhost:\d{2,5}\b/gi, "<address>"],
];

/** The words as they are shown: one line of sensible length, keys and addresses taken out. */
export function shownWords(words: string, { apiKey, baseUrl }: Secrets = {}): string {
  let text = words.slice(0, 10 * MAX_SHOWN);
  if (apiKey) text = text.replaceAll(apiKey, "<key>");
  if (baseUrl) text = text.replaceAll(baseUrl, "<address>");
  for (const [pattern, shown] of SECRETS) text = text.replace(pattern, shown);
  text = text.replace(/[\s\p{Cc}]+/gu, " ").trim();
  if (text.length <= MAX_SHOWN) return text;
  const cut = text.slice(0, MAX_SHOWN);
  return `${cut.slice(0, cut.lastIndexOf(" ") + 1 || MAX_SHOWN).trimEnd()}…`;
}
