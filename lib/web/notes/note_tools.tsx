import type { Editor } from "@tiptap/core";
import { useEffect, useRef, useState } from "preact/hooks";
import { NoteIcon } from "./note_icons.tsx";
import { type NoteAction, TABLE_TOOLS, TOOLS } from "./note_actions.ts";

/** Draws again at each step of the editor. */
function useSteps(editor: Editor | undefined): void {
  const [, draw] = useState(0);
  useEffect(() => {
    if (!editor) return;
    const again = () => draw((count) => count + 1);
    editor.on("transaction", again);
    return () => void editor.off("transaction", again);
  }, [editor]);
}

/** Where the link at the caret leads, if a browser may go there. */
function linkAt(editor: Editor): string | undefined {
  const { href } = editor.getAttributes("link");
  const url = typeof href === "string" ? URL.parse(href, location.href) : null;
  return url && /^(https?|mailto|tel):$/.test(url.protocol) ? url.href : undefined;
}

/** The toolbar: one stop of Tab, arrows go from tool to tool. */
export function NoteTools({ editor }: { editor: Editor | undefined }) {
  useSteps(editor);
  const bar = useRef<HTMLDivElement>(null);
  const [lastStop, setStop] = useState(0);
  const isInTable = editor?.isActive("table") ?? false;
  const href = editor && linkAt(editor);
  const actions = isInTable ? [...TOOLS, ...TABLE_TOOLS] : TOOLS;
  // What stood there may have gone with the table or the link.
  const stop = lastStop < actions.length + (href ? 1 : 0) ? lastStop : 0;

  function onKeyDown(event: KeyboardEvent) {
    const tools = [...bar.current?.querySelectorAll<HTMLElement>("button, a") ?? []];
    const at = tools.indexOf(document.activeElement as HTMLElement);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: -1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const next = to === tools.length ? 0 : to;
    tools.at(next)?.focus();
    setStop((next + tools.length) % tools.length);
  }

  return (
    <div class="tools" role="toolbar" aria-label="Formatting" ref={bar} onKeyDown={onKeyDown}>
      {actions.map((action, at) => (
        <Tool key={action.label} editor={editor} action={action} isStop={at === stop} />
      ))}
      {href && (
        <a
          class="icon-button"
          href={href}
          target="_blank"
          rel="noopener noreferrer"
          aria-label="Open the link"
          title={href}
          tabIndex={stop === actions.length ? 0 : -1}
        >
          <NoteIcon name="open" />
        </a>
      )}
    </div>
  );
}

function Tool({ editor, action, isStop }: {
  editor: Editor | undefined;
  action: NoteAction;
  isStop: boolean;
}) {
  const { label, icon, run, isOn } = action;
  return (
    <button
      type="button"
      class="icon-button"
      aria-label={label}
      title={label}
      aria-pressed={isOn && editor ? isOn(editor) : undefined}
      tabIndex={isStop ? 0 : -1}
      onMouseDown={(event) => event.preventDefault()}
      onClick={() => editor && run(editor)}
    >
      <NoteIcon name={icon} />
    </button>
  );
}
