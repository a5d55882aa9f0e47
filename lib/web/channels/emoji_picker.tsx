import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { findEmoji } from "./emoji.ts";

interface EmojiPickerProps {
  /** The button that opened it: it stands there, and gives the focus back there. */
  opener: HTMLElement;
  onPick(sign: string): void;
  onClose(): void;
}

const MARGIN = 8;

/** The common reactions and a search over more, beside what opened it; Escape or a click elsewhere end it. */
export function EmojiPicker({ opener, onPick, onClose }: EmojiPickerProps) {
  const panel = useRef<HTMLDivElement>(null);
  const [text, setText] = useState("");
  const found = findEmoji(text);

  useLayoutEffect(() => {
    const element = panel.current;
    if (!element) return;
    element.showPopover();
    const { right, bottom, top } = opener.getBoundingClientRect();
    const { width, height } = element.getBoundingClientRect();
    const isBelow = bottom + height + MARGIN < innerHeight;
    element.style.left = `${
      Math.max(MARGIN, Math.min(right - width, innerWidth - width - MARGIN))
    }px`;
    element.style.top = `${Math.max(MARGIN, isBelow ? bottom + 4 : top - height - 4)}px`;
    element.querySelector("input")?.focus();
  }, []);

  function pick(sign: string | undefined) {
    if (sign === undefined) return;
    onPick(sign);
    panel.current?.hidePopover();
    opener.focus();
  }

  function onKeyDown(event: KeyboardEvent) {
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 6, ArrowUp: -6 }[event.key];
    const buttons = [...panel.current?.querySelectorAll("button") ?? []];
    const at = buttons.indexOf(document.activeElement as HTMLButtonElement);
    const isInField = at < 0;
    if (step === undefined || (isInField && event.key !== "ArrowDown")) return;
    event.preventDefault();
    if (at + step < 0) panel.current?.querySelector("input")?.focus();
    else buttons[isInField ? 0 : Math.min(at + step, buttons.length - 1)]?.focus();
  }

  return (
    <div
      ref={panel}
      class="emoji-picker"
      popover="auto"
      role="dialog"
      aria-label="Pick a reaction"
      onKeyDown={onKeyDown}
      onToggle={(event) => {
        if ((event as unknown as ToggleEvent).newState !== "closed") return;
        if (document.activeElement === document.body) opener.focus();
        onClose();
      }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          pick(found[0]?.sign);
        }}
      >
        <input
          type="search"
          aria-label="Find a reaction"
          placeholder="Find a reaction"
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </form>
      <div class="emoji-grid">
        {found.map(({ sign, words }) => (
          <button
            key={sign}
            type="button"
            title={words}
            aria-label={`${sign} ${words.split(" ").slice(0, 2).join(" ")}`}
            onClick={() => pick(sign)}
          >
            {sign}
          </button>
        ))}
      </div>
      {found.length === 0 && <p class="hint" role="status">None is called so.</p>}
    </div>
  );
}
