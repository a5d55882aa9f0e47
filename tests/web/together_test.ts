/// <reference lib="dom" />
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import type { ChatMessage } from "../../lib/protocol/chat.ts";
import { picture, signUpOnPage, visit } from "../support/browser.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { until } from "../support/until.ts";
import { findings, inspect } from "./inspect.ts";
import { ask, fixture, LIMIT_MS, options, PHONE, waitForText, WORDS } from "./fixture.ts";

const portOf = (url: string) => Number(new URL(url).port);
const answerOf = (page: Page) => page.locator(".answer").last();

/** On a phone, Enter begins a new line. */
async function askOnPhone(page: Page, text: string): Promise<void> {
  await page.getByLabel("Message", { exact: true }).fill(text);
  await page.getByRole("button", { name: "Send" }).click();
}

/** What the browser itself says of a network that is gone. */
const LOST = /^WebSocket connection to .* failed|net::ERR_(CONNECTION|EMPTY|SOCKET|ABORTED)/;

Deno.test(
  "two people at two instances: a channel, a note, chats, a lost network, and a task that is stopped",
  options,
  async (t) => {
    await using place = await fixture();
    const { a, b, browser, provider } = place;
    await using network = new TcpProxy(portOf(b.url));
    await using one = await visit(browser, a.url);
    await using two = await visit(browser, `http://127.0.0.1:${network.port}`, PHONE);
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
      // What begins the thread is read, and the reply may be told before it has come.
      await ada.locator(".thread .post").nth(1).waitFor();
      assert.equal(await ada.locator(".thread .post").count(), 2);
      await bob.getByRole("button", { name: "1 reply" }).waitFor();
      await inspect(ada, "channel_thread");
      await picture(bob, "phone_dark_channel");
      assert.deepEqual(await findings(bob), []);
    });

    await t.step("a note is edited by both, with names at the cursors", async () => {
      await ada.goto(`${a.url}/#/notes`);
      await ada.getByRole("button", { name: "New note" }).click();
      await ada.getByText("Saved", { exact: true }).waitFor();
      await ada.getByRole("button", { name: "Share" }).click();
      await ada.getByLabel("What Everybody on this server can do").selectOption("write");
      await ada.getByText("Everybody can write now.").waitFor({ state: "attached" });
      await ada.keyboard.press("Escape");
      await bob.goto(new URL(new URL(ada.url()).hash, bob.url()).href);
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
      await inspect(ada, "note");
      await picture(bob, "phone_dark_note");
      assert.deepEqual(await findings(bob), []);
      await ada.getByText("Saved", { exact: true }).waitFor();
      // Every edit is kept by then; lists show the note's own text, which follows within a second.
      const noteId = new URL(ada.url()).hash.split("/").at(-1) ?? "";
      await until(
        async () => JSON.stringify(await b.services.notes.load(noteId) ?? "").includes("of all"),
        { what: "the note's own text" },
      );
      await ada.goto(`${a.url}/#/notes`);
      await ada.locator(".note-list a", { hasText: "First things first of all" }).waitFor();
      await inspect(ada, "notes");
    });

    await t.step(
      "both chat at once; one loses the network in mid-answer and comes back elsewhere",
      async () => {
        provider.script = ({ messages }) =>
          (messages as ChatMessage[]).at(-1)?.content === "Count."
            ? { tokens: WORDS, paceMs: 10 }
            : { tokens: ["Hello", " Ada."] };
        for (const page of [ada, bob]) await page.evaluate(() => location.hash = "#/chat");
        await askOnPhone(bob, "Count.");
        await ask(ada, "Who am I?");
        await waitForText(bob, ".answer", "word20 ");
        network.cut();
        await bob.locator(".light.offline").waitFor({ state: "attached" });
        await picture(bob, "phone_dark_no_network");
        await answerOf(ada).getByText("Hello Ada.").waitFor();
        network.targetPort = portOf(a.url);
        network.heal();
        await bob.locator(".light.online").waitFor({ state: "attached" });
        await waitForText(bob, ".answer", "word299");
        const text = await answerOf(bob).locator(".markdown").innerText();
        assert.equal(text.trim(), WORDS.join("").trim());
        assert.deepEqual(two.faults.splice(0).filter((fault) => !LOST.test(fault)), []);
      },
    );

    await t.step(
      "an admin stops another's task, at another instance, from the live view",
      async () => {
        network.targetPort = portOf(b.url);
        await bob.reload();
        await bob.locator(".light.online").waitFor({ state: "attached" });
        provider.script = { tokens: WORDS.map((word) => `long-${word}`), paceMs: 100 };
        await askOnPhone(bob, "Talk.");
        await waitForText(bob, ".answer", "long-word5 ");
        await ada.goto(`${a.url}/#/admin`);
        await ada.getByText("(answers here)").waitFor();
        await ada.getByRole("row", { name: /completion/ }).getByRole("button", { name: "Stop" })
          .click();
        await inspect(ada, "admin_stop");
        await ada.getByRole("button", { name: "Stop it" }).click();
        await answerOf(bob).getByText("Stopped before its end.").waitFor();
        await ada.getByText("Nothing runs at the moment.").waitFor();
        assert.ok(!(await answerOf(bob).innerText()).includes("long-word299"));
        await until(() => provider.requests.at(-1)?.closedAtMs, {
          what: "the end of the upstream",
        });
        await inspect(ada, "admin");
      },
    );

    await t.step("settings", async () => {
      await bob.evaluate(() => location.hash = "#/settings");
      await bob.getByRole("heading", { name: "Look and sound" }).waitFor();
      await picture(bob, "phone_dark_settings");
      assert.deepEqual(await findings(bob), []);
    });

    await t.step("nothing failed, and nothing was complained about", () => {
      // A reload takes back what was on its way.
      const faults = [...one.faults, ...two.faults].filter((fault) => !/ERR_ABORTED/.test(fault));
      assert.deepEqual(faults, []);
    });
  },
);
