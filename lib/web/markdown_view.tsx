import { useEffect, useMemo, useRef } from "preact/hooks";
import { GrowingMarkdown } from "./markdown.ts";

/** A block's element is made once and stays, so that a selection in it stays, too. */
function MarkdownBlock({ html }: { html: string }) {
  return <div class="block" dangerouslySetInnerHTML={{ __html: html }} />;
}

/** Markdown that may still grow; only its end is drawn again. */
export function MarkdownView({ text }: { text: string }) {
  const growing = useMemo(() => new GrowingMarkdown(), []);
  const frame = useRef<HTMLDivElement>(null);
  const blocks = growing.update(text);
  useEffect(() => {
    const onClick = (event: Event) => void copyCode(event);
    frame.current?.addEventListener("click", onClick);
    return () => frame.current?.removeEventListener("click", onClick);
  }, []);
  return (
    <div class="markdown" ref={frame}>
      {blocks.map(({ html }, at) => <MarkdownBlock key={at} html={html} />)}
    </div>
  );
}

/** A click into the corner of a block of code copies it. */
async function copyCode(event: Event): Promise<void> {
  const { target } = event;
  if (!(target instanceof HTMLElement) || target.tagName !== "PRE") return;
  const { right, top } = target.getBoundingClientRect();
  const { clientX, clientY } = event as MouseEvent;
  if (clientX < right - 72 || clientY > top + 40) return;
  await navigator.clipboard.writeText(target.textContent ?? "");
  target.dataset.copied = "";
  setTimeout(() => delete target.dataset.copied, 1_500);
}
