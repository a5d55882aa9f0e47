import type { RefObject } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

/** A field with a text that is being changed: the cursor stands at its end, and it grows with what is typed. */
export function useEditedText(text: string): RefObject<HTMLTextAreaElement | null> {
  const area = useRef<HTMLTextAreaElement>(null);
  useLayoutEffect(() => {
    area.current?.focus();
    area.current?.setSelectionRange(text.length, text.length);
  }, []);
  useLayoutEffect(() => {
    const element = area.current;
    if (!element) return;
    element.style.height = "auto";
    element.style.height = `${element.scrollHeight + 2}px`;
  }, [text]);
  return area;
}
