import { useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { addCodeTools } from "./code_tools.tsx";
import { GrowingMarkdown } from "./markdown.ts";

/** A block's element is made once and stays, so that a selection in it stays, too. */
function MarkdownBlock({ html }: { html: string }) {
  const block = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    for (const code of block.current?.querySelectorAll("pre") ?? []) addCodeTools(code);
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
