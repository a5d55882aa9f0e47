import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
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
  useEffect(() => {
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
      onClick={(event) => {
        // Beside it: what is clicked is the dialog's own frame.
        if (event.target === event.currentTarget) onClose();
      }}
    >
      {children}
    </dialog>
  );
}
