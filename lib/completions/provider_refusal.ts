import { AppError } from "../common/errors.ts";
import { wordsOf } from "./provider_words.ts";

/** What a provider answered in place of an answer. */
export interface ProviderRefusal {
  status: number;
  headers: Headers;
  body: string;
  /** Cuts the words and takes out what must not be shown. */
  shown(words: string): string;
}

/** Whether the words of a 403 are about the key: as often it is moderation, a region, a plan, a bill. */
const ABOUT_THE_KEY =
  /api[ _-]?key|\bkey\b|credential|access token|bearer|unauthenticated|authentication|unauthori[sz]ed/i;

/** A provider's refusal as an error whose text is for the reader: its own words, and what to do. */
export function refusalError({ status, headers, body, shown }: ProviderRefusal): AppError {
  const said = wordsOf(body);
  const words = said === undefined ? "" : shown(said);
  const told = words === "" ? "." : `: ${words}`;
  if (status === 401 || (status === 403 && ABOUT_THE_KEY.test(words))) {
    return new AppError(
      "provider_error",
      `The model provider refuses the API key (${status})${told}`,
    );
  }
  const retryAfterMs = retryAfter(headers, Date.now());
  const again = retryAfterMs === undefined ? {} : { retryAfterMs };
  if (status === 429) {
    const text = `The model provider is busy (429)${told}${whenAgain(words, retryAfterMs)}`;
    return new AppError("rate_limited", text, again);
  }
  const verb = status === 403 ? "refuses this" : "answered with";
  const code = status === 403 ? " (403)" : ` ${status}`;
  return new AppError(
    "provider_error",
    `The model provider ${verb}${code}${told}${whenAgain(words, retryAfterMs)}`,
    again,
  );
}

/** The `Retry-After` header, seconds or a date (RFC 9110, 10.2.3), in milliseconds from now. */
export function retryAfter(headers: Headers, nowMs: number): number | undefined {
  const ms = headers.get("retry-after-ms");
  if (ms !== null && /^\d{1,9}$/.test(ms)) return Number(ms);
  const header = headers.get("retry-after")?.trim();
  if (!header) return undefined;
  if (/^\d{1,7}(\.\d+)?$/.test(header)) return Math.ceil(Number(header) * 1000);
  const atMs = /\d{2}:\d{2}/.test(header) ? Date.parse(header) : NaN;
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowMs);
}

function whenAgain(words: string, retryAfterMs: number | undefined): string {
  if (retryAfterMs === undefined) return "";
  const seconds = Math.max(1, Math.ceil(retryAfterMs / 1000));
  const [count, unit] = seconds <= 120
    ? [seconds, "second"]
    : seconds <= 7_200
    ? [Math.ceil(seconds / 60), "minute"]
    : [Math.ceil(seconds / 3_600), "hour"];
  const full = words === "" || /[.!?…]$/.test(words) ? "" : ".";
  return `${full} Try again in ${count} ${unit}${count === 1 ? "" : "s"}.`;
}
