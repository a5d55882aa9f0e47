/** What the tests in a browser share. */
import type { Browser, Page } from "playwright-core";
import type { App } from "../../lib/app.ts";
import { openInstances } from "../support/instances.ts";
import {
  buildPages,
  findChromium,
  openBrowser,
  ROOT,
  visit,
  type Visitor,
} from "../support/browser.ts";
import { redisAvailable } from "../support/redis_server.ts";
import type { Env, Person } from "../support/server.ts";

const chromium = findChromium();
export const LIMIT_MS = 30_000;
export const WORDS = Array.from({ length: 300 }, (_, at) => `word${at} `);
/** A person's phone, in the dark. */
export const PHONE = {
  colorScheme: "dark",
  viewport: { width: 390, height: 800 },
  hasTouch: true,
  isMobile: true,
} as const;

export async function ask(page: Page, text: string): Promise<void> {
  await page.getByLabel("Message", { exact: true }).fill(text);
  await page.keyboard.press("Enter");
}

export async function waitForText(page: Page, selector: string, text: string): Promise<void> {
  await page.locator(selector).last().getByText(text).waitFor({ timeout: LIMIT_MS });
}

/** Two instances on one Redis (where there is none: on one KV file), a scripted model, a browser. */
export async function fixture({ env = {} }: { env?: Env } = {}) {
  await buildPages();
  await using stack = new AsyncDisposableStack();
  const { a, b, provider } = stack.use(
    await openInstances(redisAvailable() ? "redis" : "kv", {
      env: { OPENAI_API_KEY: "a key", ...env },
    }),
  );
  const browser = stack.adopt(await openBrowser(chromium ?? ""), (opened) => opened.close());
  const all = stack.move();
  return { provider, a, b, browser, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

/** Opens a page as somebody who has signed in before. */
export async function visitAs(
  browser: Browser,
  person: Person,
  url: string,
  { origin = new URL(url).origin, ...options }:
    & Parameters<Browser["newContext"]>[0]
    & { origin?: string } = {},
): Promise<Visitor> {
  const localStorage = [{ name: "token", value: person.token }];
  const storageState = { cookies: [], origins: [{ origin, localStorage }] };
  return await visit(browser, url, { storageState, ...options });
}

/**
 * A page of the test's own at an instance's address: an empty one, with one of the bundled `pages/`.
 * A page that the browser's driver makes up is none of this machine's, and may not connect to it.
 */
export async function visitOwnPage(browser: Browser, app: App, script: string): Promise<Visitor> {
  const visitor = await visit(browser, "about:blank");
  await visitor.context.route("**/favicon.ico", (route) => route.fulfill({ status: 204 }));
  await visitor.page.goto(`${app.url}/health`);
  await visitor.page.evaluate(await bundled(script));
  return visitor;
}

const bundles = new Map<string, Promise<string>>();

/** One of the `pages/` as a script. */
export function bundled(script: string): Promise<string> {
  const known = bundles.get(script);
  if (known) return known;
  const bundling = (async () => {
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        ...["bundle", "--quiet", "--platform", "browser", "--format", "iife"],
        new URL(`pages/${script}`, import.meta.url).pathname,
      ],
      cwd: ROOT,
    }).output();
    if (!success) throw new Error(`deno bundle: ${new TextDecoder().decode(stderr)}`);
    return new TextDecoder().decode(stdout);
  })();
  bundles.set(script, bundling);
  return bundling;
}

/** The library that drives the browser keeps timers of its own. */
export const options = {
  ignore: chromium === undefined,
  sanitizeOps: false,
  sanitizeResources: false,
};
