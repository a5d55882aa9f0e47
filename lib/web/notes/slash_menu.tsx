import { Extension } from "@tiptap/core";
import { Suggestion, type SuggestionProps } from "@tiptap/suggestion";
import { PluginKey } from "prosemirror-state";
import { useEffect, useId, useLayoutEffect, useRef } from "preact/hooks";
import { NoteIcon } from "./note_icons.tsx";
import { Observable, useValue } from "../ui/observable.ts";
import { actionsFor, type NoteAction } from "./note_actions.ts";

/** What the menu shows while it is open. */
interface OpenMenu {
  items: readonly NoteAction[];
  active: number;
  /** Where the slash stands on the screen by now; `undefined`: nowhere. */
  at(): { left: number; top: number; bottom: number } | undefined;
  pick(action: NoteAction): void;
}

export type SlashMenuState = Observable<OpenMenu | undefined>;

/** A slash opens a menu of what can stand there. */
export function slashMenu(state: SlashMenuState): Extension {
  function show({ items, clientRect, command }: SuggestionProps<NoteAction, NoteAction>): void {
    const at = () => clientRect?.() ?? undefined;
    state.value = items.length > 0 ? { items, at, active: 0, pick: command } : undefined;
  }

  function onKeyDown(key: string): boolean {
    const open = state.value;
    if (!open) return false;
    const { items, active } = open;
    const step = { ArrowDown: 1, ArrowUp: items.length - 1 }[key];
    if (step !== undefined) {
      state.value = { ...open, active: (active + step) % items.length };
      return true;
    }
    const picked = items[active];
    if ((key !== "Enter" && key !== "Tab") || !picked) return false;
    open.pick(picked);
    return true;
  }

  return Extension.create({
    name: "slashMenu",
    // Before Enter and Tab are those of lists and tables.
    priority: 900,
    addProseMirrorPlugins() {
      return [
        Suggestion<NoteAction, NoteAction>({
          editor: this.editor,
          pluginKey: new PluginKey("slashMenu"),
          char: "/",
          allow: ({ editor, state, range }) =>
            editor.isEditable && !state.doc.resolve(range.from).parent.type.spec.code,
          items: ({ query, editor }) => actionsFor(query, editor),
          command({ editor, range, props: action }) {
            editor.chain().focus().deleteRange(range).run();
            action.run(editor);
          },
          render: () => ({
            onStart: show,
            onUpdate: show,
            onKeyDown: ({ event }) => onKeyDown(event.key),
            onExit: () => state.value = undefined,
          }),
        }),
      ];
    },
    onBlur: () => state.value = undefined,
    onDestroy: () => state.value = undefined,
  });
}

/** The menu beside the slash. The focus stays in the text, which says what is chosen. */
export function SlashMenu(
  { state, text }: { state: SlashMenuState; text: HTMLElement | undefined },
) {
  const open = useValue(state);
  const list = useRef<HTMLUListElement>(null);
  const id = useId();
  const active = open?.active;

  useEffect(() => {
    if (!text || active === undefined) return;
    // A text of many lines is no combobox, but this is what it is while it has a list.
    const attributes = {
      role: "combobox",
      "aria-expanded": "true",
      "aria-haspopup": "listbox",
      "aria-autocomplete": "list",
      "aria-controls": id,
      "aria-activedescendant": `${id}-${active}`,
    };
    for (const [name, value] of Object.entries(attributes)) text.setAttribute(name, value);
    text.removeAttribute("aria-multiline");
    list.current?.children[active]?.scrollIntoView({ block: "nearest" });
    return () => {
      for (const name of Object.keys(attributes)) text.removeAttribute(name);
      text.setAttribute("role", "textbox");
      text.setAttribute("aria-multiline", "true");
    };
  }, [text, active, open?.items]);

  useLayoutEffect(() => {
    const element = list.current;
    if (!element || !open) return;
    const area = text?.closest(".scroll");
    const place = () => {
      const at = open.at();
      const { top = 0, bottom = innerHeight } = area?.getBoundingClientRect() ?? {};
      // Of a slash that is out of sight nothing can be chosen; the next letter brings both back.
      if (!at || at.bottom < top || at.top > bottom) return void (state.value = undefined);
      const { width, height } = element.getBoundingClientRect();
      const isBelow = at.bottom + height + 8 < innerHeight || at.top < height + 8;
      element.style.left = `${Math.max(8, Math.min(at.left, innerWidth - width - 8))}px`;
      element.style.top = `${isBelow ? at.bottom + 4 : at.top - height - 4}px`;
    };
    place();
    area?.addEventListener("scroll", place, { passive: true });
    addEventListener("resize", place);
    return () => {
      area?.removeEventListener("scroll", place);
      removeEventListener("resize", place);
    };
  }, [text, open?.at, open?.items]);

  if (!open) return null;
  return (
    <ul ref={list} id={id} class="slash-menu" role="listbox" aria-label="What to put here">
      {open.items.map((action, at) => (
        <li
          key={action.label}
          id={`${id}-${at}`}
          role="option"
          aria-selected={at === active}
          onMouseDown={(event) => event.preventDefault()}
          onClick={() => open.pick(action)}
        >
          <NoteIcon name={action.icon} /> {action.label}
        </li>
      ))}
    </ul>
  );
}
