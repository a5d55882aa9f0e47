import type { RefObject } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { useGrowing } from "./growing.ts";

/** A field with a text that is being changed: the cursor stands at its end, and it grows with what is typed. */
export function useEditedText(text: string): RefObject<HTMLTextAreaElement | null> {
  const area = useRef<HTMLTextAreaElement>(null);
  useLayoutEffect(() => {
    area.current?.focus();
    area.current?.setSelectionRange(text.length, text.length);
  }, []);
  useGrowing(area, text);
  return area;
}
