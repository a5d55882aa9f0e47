/** Real Chromium for a test, and what its pages complained about. */
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { endsWithTask, isEndedBySignals } from "./ending.ts";
import { ROOT } from "./pages.ts";
import { say } from "./say.ts";

export { buildPages, ROOT } from "./pages.ts";
const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** A host to which the browser treats a page without TLS as it would anywhere but on loopback. */
export const PLAIN_HOST = "house.test";

/** Where Chromium is; `undefined`, said aloud, when there is none. */
export function findChromium(): string | undefined {
  for (const path of PLACES) {
    try {
      Deno.statSync(path);
      return path;
    } catch {
      // Not here.
    }
  }
  say("There is no Chromium on this machine: the browser tests are skipped.");
  return undefined;
}

/** Opens the browser; disposing of it ends it, and its profile is gone. */
export async function openBrowser(executablePath: string): Promise<Browser> {
  const hears = !isEndedBySignals();
  const browser = await chromium.launch({
    executablePath,
    headless: true,
    ...{ handleSIGINT: hears, handleSIGTERM: hears, handleSIGHUP: hears },
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      // A name that is no secure context, as an address in a house's own network is none.
      `--host-resolver-rules=MAP ${PLAIN_HOST} 127.0.0.1`,
    ],
  });
  browser.on("disconnected", endsWithTask(() => browser.close()));
  return browser;
}

/** One person's browser, and everything that went wrong in it. */
export interface Visitor extends AsyncDisposable {
  page: Page;
  context: BrowserContext;
  /** Console errors, exceptions and failed requests, in order. */
  faults: string[];
}

export async function visit(
  browser: Browser,
  url: string,
  options: Parameters<Browser["newContext"]>[0] = {},
): Promise<Visitor> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 820 }, ...options });
  const page = await context.newPage();
  const faults: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") faults.push(message.text());
  });
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("requestfailed", (request) => {
    faults.push(`${request.method()} ${request.url()}: ${request.failure()?.errorText}`);
  });
  page.on("response", (response) => {
    if (response.status() >= 400) faults.push(`${response.status()} ${response.url()}`);
  });
  await page.goto(url);
  return { page, context, faults, [Symbol.asyncDispose]: () => context.close() };
}

/** Signs somebody new up on the page; returns once the page is there, or (`waits`) they wait. */
export async function signUpOnPage(
  page: Page,
  name: string,
  { waits = false }: { waits?: boolean } = {},
): Promise<void> {
  await page.getByRole("heading", { name: /Welcome back|Create the first account/ }).waitFor();
  // The first of all is asked for nothing else.
  const create = page.getByRole("button", { name: "Create an account" });
  if (await create.count() > 0) await create.click();
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("E-mail").fill(`${crypto.randomUUID()}@example.com`);
  await page.getByLabel("Password").fill("correct horse battery");
  await page.getByRole("button", { name: "Sign up" }).click();
  if (waits) return await page.getByRole("heading", { name: "Your account is there" }).waitFor();
  // On a phone the light is in the menu, which is closed.
  await page.locator(".light.online").waitFor({ state: "attached" });
}

/** Keeps a picture of the page in `screenshots/`, for people to look at. */
export async function picture(page: Page, name: string): Promise<void> {
  await Deno.mkdir(new URL("screenshots/", ROOT), { recursive: true });
  await page.screenshot({ path: new URL(`screenshots/${name}.png`, ROOT).pathname });
}
