/** Answers as the page draws them, before anything is loaded for code and mathematics. */
import { GrowingMarkdown } from "../../../lib/web/text/growing_markdown.ts";
import { toHtml } from "../../../lib/web/text/markdown.ts";

/** The text as it streams in, a few letters at a time. */
function streamed(text: string, step: number): string {
  const growing = new GrowingMarkdown();
  let html = "";
  for (let end = step; end < text.length + step; end += step) {
    html = growing.update(text.slice(0, end)).map((block) => block.html).join("");
  }
  return html;
}

Object.assign(globalThis, { toHtml, streamed });
