import type { RefObject } from "preact";
import { useLayoutEffect } from "preact/hooks";

/** The field is as high as its text, however wide the page is. */
export function useGrowing(field: RefObject<HTMLTextAreaElement | null>, text: string): void {
  useLayoutEffect(() => {
    const fit = () => {
      const element = field.current;
      if (!element) return;
      element.style.height = "auto";
      const frame = element.offsetHeight - element.clientHeight;
      element.style.height = `${element.scrollHeight + frame}px`;
    };
    fit();
    addEventListener("resize", fit);
    return () => removeEventListener("resize", fit);
  }, [text]);
}
