import { useEffect, useRef } from "preact/hooks";
import { Icon, type IconName } from "./icons.tsx";

export interface MenuItem {
  icon: IconName;
  text: string;
  isDanger?: boolean;
  act(): void;
}

interface MenuProps {
  label: string;
  items: readonly MenuItem[];
  /** The button that opened it: it stands there, and gives the focus back there. */
  opener: HTMLElement;
  onClose(): void;
}

/** A list of things to do, beside the button that opened it; Escape, Tab or a click elsewhere end it. */
export function Menu({ label, items, opener, onClose }: MenuProps) {
  const menu = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = menu.current;
    if (!element) return;
    element.showPopover();
    const { left, bottom, top } = opener.getBoundingClientRect();
    const { width, height } = element.getBoundingClientRect();
    const isBelow = bottom + height + 8 < innerHeight;
    element.style.left = `${Math.max(8, Math.min(left, innerWidth - width - 8))}px`;
    element.style.top = `${isBelow ? bottom + 4 : Math.max(8, top - height - 4)}px`;
    element.querySelector("button")?.focus();
  }, []);

  function end() {
    opener.focus();
    onClose();
  }

  function onKeyDown(event: KeyboardEvent) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined) {
      const buttons = [...menu.current?.querySelectorAll("button") ?? []];
      const at = buttons.indexOf(document.activeElement as HTMLButtonElement);
      buttons.at((at + step) % buttons.length)?.focus();
    } else if (event.key === "Escape" || event.key === "Tab") end();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  return (
    <div
      ref={menu}
      class="menu"
      popover="auto"
      role="menu"
      aria-label={label}
      onKeyDown={onKeyDown}
      onToggle={(event) => {
        if ((event as unknown as ToggleEvent).newState === "closed") onClose();
      }}
    >
      {items.map(({ icon, text, isDanger, act }) => (
        <button
          key={text}
          type="button"
          role="menuitem"
          class={isDanger ? "danger" : ""}
          onClick={() => {
            end();
            act();
          }}
        >
          <Icon name={icon} /> {text}
        </button>
      ))}
    </div>
  );
}
