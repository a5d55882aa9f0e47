import { useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { addCodeTools } from "./code_tools.tsx";
import { drawMathematics } from "./draw_mathematics.ts";
import { GrowingMarkdown } from "./growing_markdown.ts";
import { memo } from "../ui/memo.tsx";

/** A block's element is made once and stays, so that a selection in it stays, too. */
function MarkdownBlock({ html }: { html: string }) {
  const block = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (!block.current) return;
    for (const code of block.current.querySelectorAll("pre")) addCodeTools(code);
    drawMathematics(block.current);
  }, [html]);
  return <div class="block" ref={block} dangerouslySetInnerHTML={{ __html: html }} />;
}

interface MarkdownViewProps {
  text: string;
  /** More will come: what is not whole yet at its end keeps quiet. Default: `false`. */
  isGrowing?: boolean;
}

/** Markdown that may still grow; only its end is drawn again. */
export const MarkdownView = memo(function MarkdownView(props: MarkdownViewProps) {
  const { text, isGrowing = false } = props;
  const growing = useMemo(() => new GrowingMarkdown(), []);
  const blocks = growing.update(text, isGrowing);
  return (
    <div class="markdown">
      {blocks.map(({ html }, at) => <MarkdownBlock key={at} html={html} />)}
    </div>
  );
}, (a, b) => a.text === b.text && a.isGrowing === b.isGrowing);
