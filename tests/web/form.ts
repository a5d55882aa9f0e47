/// <reference lib="dom" />
/** What no checker of accessibility looks for: edges of fields, lines that are cut, where the focus is. */
import type { Page } from "playwright-core";

/** What is wrong with the page as it stands, in words. */
export async function formFaults(page: Page): Promise<string[]> {
  return await page.evaluate(() => {
    const faults: string[] = [];
    const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const rgba = (color: string): number[] => {
      if (!context) throw new Error("no canvas");
      context.clearRect(0, 0, 1, 1);
      context.fillStyle = color;
      context.fillRect(0, 0, 1, 1);
      return [...context.getImageData(0, 0, 1, 1).data];
    };
    const luminance = (color: string) => {
      const [r = 0, g = 0, b = 0] = rgba(color).map((part) => {
        const share = part / 255;
        return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const contrast = (one: string, other: string) => {
      const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
      return (light + 0.05) / (dark + 0.05);
    };
    const groundOf = (element: Element | null): string => {
      for (let at = element; at; at = at.parentElement) {
        const { backgroundColor } = getComputedStyle(at);
        if (rgba(backgroundColor)[3] === 255) return backgroundColor;
      }
      return "#fff";
    };
    const called = (element: Element) =>
      `${element.tagName.toLowerCase()}.${element.className} ` +
      `"${(element.getAttribute("aria-label") ?? element.textContent ?? "").trim().slice(0, 40)}"`;
    const isSeen = (element: Element) => element.checkVisibility({ visibilityProperty: true });

    // WCAG 1.4.11: what one writes into is seen by an edge of 3:1. What is written on, as on paper, has none.
    const FIELDS = 'select, textarea, input:not([type="checkbox"], [type="radio"], [type="file"])';
    for (const field of document.querySelectorAll(FIELDS)) {
      if (!isSeen(field) || field.matches(":disabled, .note-title, .note-title *")) continue;
      let framed: Element | null = field;
      for (let level = 0; framed && level < 4; level++, framed = framed.parentElement) {
        const { borderTopWidth, borderTopStyle, borderTopColor } = getComputedStyle(framed);
        if (parseFloat(borderTopWidth) === 0 || borderTopStyle === "none") continue;
        const around = contrast(borderTopColor, groundOf(framed.parentElement));
        if (around < 3) faults.push(`edge of ${around.toFixed(2)}:1: ${called(field)}`);
        break;
      }
    }

    // A line of text is shown whole or not at all.
    for (const element of document.querySelectorAll("body *")) {
      const style = getComputedStyle(element);
      if (!/hidden|clip/.test(style.overflowY) || style.clipPath !== "none") continue;
      if (!isSeen(element) || !element.textContent?.trim()) continue;
      // Made for screen readers alone.
      if (element.clientHeight < 2) continue;
      if (element.matches("svg *, #app, .shell, .sidebar")) continue;
      const isClamped = style.webkitLineClamp !== "none" && style.webkitLineClamp !== "";
      const missing = element.scrollHeight - element.clientHeight;
      if (missing > 2 && !isClamped) faults.push(`cut by ${missing} px: ${called(element)}`);
    }

    const wide = document.documentElement.scrollWidth - innerWidth;
    if (wide > 0) faults.push(`${wide} px wider than the screen`);
    if (document.title.trim() === "") faults.push("no title");
    return [...new Set(faults)];
  });
}
