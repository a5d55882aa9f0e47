/// <reference lib="dom" />
/** What a page looks like, and whether everybody can use it. */
import assert from "node:assert/strict";
import axe from "axe-core";
import type { Page } from "playwright-core";
import { picture } from "../support/browser.ts";

const LOOKS = [
  { name: "light", colorScheme: "light", width: 1280 },
  { name: "dark", colorScheme: "dark", width: 1280 },
  { name: "narrow", colorScheme: "light", width: 390 },
] as const;

/** Serious findings of axe, in words. */
export async function findings(page: Page): Promise<string[]> {
  // The policy forbids scripts in the page's own document; this one comes by the debugger.
  if (!await page.evaluate(() => Reflect.has(globalThis, "axe"))) await page.evaluate(axe.source);
  return await page.evaluate(async () => {
    const { violations } = await (globalThis as unknown as { axe: typeof axe }).axe.run();
    return violations
      .filter(({ impact }) => impact === "serious" || impact === "critical")
      .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(" | ")}`);
  });
}

/** Looks at the page in light, in dark, and as wide as a phone: a picture of each, no serious finding. */
export async function inspect(page: Page, name: string): Promise<void> {
  const before = page.viewportSize() ?? { width: 1280, height: 820 };
  for (const { name: look, colorScheme, width } of LOOKS) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await page.setViewportSize({ ...before, width });
    await picture(page, look === "light" ? name : `${name}_${look}`);
    assert.deepEqual(await findings(page), [], `${name}, ${look}`);
  }
  await page.emulateMedia({ colorScheme: null, reducedMotion: null });
  await page.setViewportSize(before);
}
