import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { giveFocus } from "./focus.ts";

interface ModalProps {
  label: string;
  class?: string;
  onClose(): void;
  children: ComponentChildren;
}

/** The browser's own modal dialog: focus stays inside, and goes back to where it was. */
export function Modal({ label, class: name = "", onClose, children }: ModalProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const beganBeside = useRef(false);
  // Before it is seen: the next key is for the dialog.
  useLayoutEffect(() => {
    const opener = document.activeElement;
    dialog.current?.showModal();
    return () => giveFocus(opener);
  }, []);
  return (
    <dialog
      ref={dialog}
      class={name}
      aria-label={label}
      onClose={onClose}
      onPointerDown={(event) => beganBeside.current = isBeside(event)}
      onClick={(event) => {
        // Who selects a text and lets go beside it means the text.
        if (isBeside(event) && beganBeside.current) onClose();
      }}
    >
      {children}
    </dialog>
  );
}

/** What is clicked beside a dialog is its backdrop, and so the dialog itself, outside its frame. */
function isBeside({ target, currentTarget, clientX, clientY }: MouseEvent): boolean {
  if (!(currentTarget instanceof Element) || target !== currentTarget) return false;
  const { left, right, top, bottom } = currentTarget.getBoundingClientRect();
  return clientX < left || clientX > right || clientY < top || clientY > bottom;
}
