import { useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { copyText } from "./copy_text.ts";
import { GrowingMarkdown } from "./markdown.ts";

/** A block's element is made once and stays, so that a selection in it stays, too. */
function MarkdownBlock({ html }: { html: string }) {
  const block = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    for (const code of block.current?.querySelectorAll("pre") ?? []) addCopyButton(code);
  }, [html]);
  return <div class="block" ref={block} dangerouslySetInnerHTML={{ __html: html }} />;
}

/** Markdown that may still grow; only its end is drawn again. */
export function MarkdownView({ text }: { text: string }) {
  const growing = useMemo(() => new GrowingMarkdown(), []);
  const blocks = growing.update(text);
  return (
    <div class="markdown">
      {blocks.map(({ html }, at) => <MarkdownBlock key={at} html={html} />)}
    </div>
  );
}

/** Beside the code, not in it: what scrolls must not take the button along. */
function addCopyButton(code: HTMLElement): void {
  const frame = document.createElement("div");
  frame.className = "code";
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy";
  button.setAttribute("aria-label", "Copy code");
  button.addEventListener("click", () => void copy(code.textContent ?? "", button));
  code.replaceWith(frame);
  frame.append(code, button);
}

async function copy(text: string, button: HTMLButtonElement): Promise<void> {
  try {
    await copyText(text);
    button.textContent = "Copied";
  } catch {
    // The browser may ask, and be told no.
    button.textContent = "Not allowed";
  }
  setTimeout(() => button.textContent = "Copy", 1_500);
}
