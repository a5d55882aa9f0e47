/** What the tests in a browser share. */
import type { Browser, Page } from "playwright-core";
import { buildPages, findChromium, openBrowser } from "../support/browser.ts";
import { startModelProvider } from "../support/model_provider.ts";
import { startServer } from "../support/server.ts";

const chromium = findChromium();
export const LIMIT_MS = 10_000;
export const WORDS = Array.from({ length: 300 }, (_, at) => `word${at} `);

export async function ask(page: Page, text: string): Promise<void> {
  await page.getByLabel("Message", { exact: true }).fill(text);
  await page.keyboard.press("Enter");
}

export async function waitForText(page: Page, selector: string, text: string): Promise<void> {
  await page.locator(selector).last().getByText(text).waitFor({ timeout: LIMIT_MS });
}

/** A server with a scripted model, and a browser. */
export async function house() {
  await buildPages();
  const stack = new AsyncDisposableStack();
  const provider = stack.use(startModelProvider());
  const app = stack.use(
    await startServer({ OPENAI_API_BASE_URL: provider.baseUrl, OPENAI_API_KEY: "a key" }),
  );
  const browser: Browser = await openBrowser(chromium ?? "");
  stack.defer(() => browser.close());
  return { provider, app, browser, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** The library that drives the browser keeps timers of its own. */
export const options = {
  ignore: chromium === undefined,
  sanitizeOps: false,
  sanitizeResources: false,
};
