/// <reference lib="dom" />
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { Page } from "playwright-core";
import { dateGroup, grouped } from "../../lib/web/sidebar/date_groups.ts";
import { signUpOnPage, visit } from "../support/browser.ts";
import { personAt, startServer } from "../support/server.ts";
import { until } from "../support/until.ts";
import { ask, fixture, LIMIT_MS, options, visitAs } from "./fixture.ts";
import { findings, inspect } from "./inspect.ts";

const entry = (page: Page, title: string) =>
  page.locator("section[aria-labelledby=chats-title] li", { hasText: title });

/** What has the focus: the page's body is nothing. */
const focused = (page: Page) => page.evaluate(() => document.activeElement?.tagName ?? "BODY");

async function choose(page: Page, title: string, what: string): Promise<void> {
  await entry(page, title).hover();
  await page.getByRole("button", { name: `More for ${title}` }).click();
  await page.getByRole("menuitem", { name: what }).click();
}

Deno.test(
  "the first hour: the first account, people who are let in live, a sidebar that lives everywhere",
  options,
  async (t) => {
    await using place = await fixture({ env: { DEFAULT_USER_ROLE: "pending" } });
    const { a, b, browser, provider } = place;
    await using one = await visit(browser, a.url);
    await using two = await visit(browser, b.url);
    const [ada, bob] = [one.page, two.page];
    for (const page of [ada, bob]) page.setDefaultTimeout(LIMIT_MS);

    await t.step("an empty server asks for the first account, which is the admin's", async () => {
      await ada.getByText("You will be the admin").waitFor();
      await signUpOnPage(ada, "Ada");
      await ada.getByRole("link", { name: "Live view" }).waitFor();
    });

    await t.step("who waits is seen at once, is let in with a click, and is in", async () => {
      await ada.getByRole("link", { name: "People" }).click();
      await ada.getByText("Nobody waits.").waitFor();
      await bob.reload();
      await signUpOnPage(bob, "Bob", { waits: true });
      assert.equal(await bob.getByRole("alert").count(), 0);
      assert.deepEqual(await findings(bob), []);
      await ada.getByLabel("1 waiting").waitFor();
      await inspect(ada, "people");
      // Waiting outlives a reload.
      await bob.reload();
      await bob.getByRole("heading", { name: "Your account is there" }).waitFor();
      await ada.getByRole("button", { name: "Let in Bob" }).click();
      await bob.locator(".light.online").waitFor({ state: "attached" });
      await ada.getByLabel("1 waiting").waitFor({ state: "detached" });
      assert.equal(await ada.getByRole("combobox", { name: "Role of Bob" }).inputValue(), "user");
      assert.notEqual(await focused(ada), "BODY");
    });

    await t.step("a new name is there in one's other tabs, and at the admin's", async () => {
      const other = await two.context.newPage();
      other.setDefaultTimeout(LIMIT_MS);
      await other.goto(`${a.url}/health`);
      const token = await bob.evaluate(() => localStorage.getItem("token") ?? "");
      await other.evaluate((token) => localStorage.setItem("token", token), token);
      await other.goto(a.url);
      await other.locator(".foot").getByText("Bob").waitFor();
      await bob.goto(`${b.url}/#/settings`);
      await bob.getByLabel("Name").fill("Robert");
      const picture =
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
      await bob.getByLabel("Picture").setInputFiles({
        ...{ name: "me.png", mimeType: "image/png" },
        buffer: Buffer.from(picture, "base64"),
      });
      await bob.locator("img.picture").waitFor();
      await bob.getByRole("button", { name: "Save" }).click();
      await other.locator(".foot").getByText("Robert").waitFor();
      await ada.getByText("Robert", { exact: true }).waitFor();
      await other.close();
    });

    const person = personAt(a.url, {
      id: "",
      role: "admin",
      token: await ada.evaluate(() => localStorage.getItem("token") ?? ""),
    });
    await using elsewhere = await visitAs(browser, person, b.url);
    const there = elsewhere.page;
    there.setDefaultTimeout(LIMIT_MS);
    await there.locator(".light.online").waitFor({ state: "attached" });

    await t.step(
      "a chat that streams, and one that nobody has read, show it everywhere",
      async () => {
        const title = "Birds of the coast";
        provider.script = ({ messages }) =>
          (messages as { content: string }[]).at(-1)?.content === title
            ? { tokens: ["A ", "pelican ", "is ", "a bird."], paceMs: 250 }
            : { tokens: [title] };
        await ada.goto(`${a.url}/#/chat`);
        await ask(ada, title);
        await entry(there, "Birds of the coast").getByLabel("is being answered").waitFor();
        await ada.goto(`${a.url}/#/notes`);
        await entry(there, "Birds of the coast").getByLabel("unread").waitFor();
        await entry(ada, "Birds of the coast").getByLabel("unread").waitFor();
        await until(async () => /^\(1\) Notes/.test(await ada.title()), { what: "the title" });
        await entry(there, "Birds of the coast").getByRole("link").click();
        await entry(ada, "Birds of the coast").getByLabel("unread").waitFor({ state: "detached" });
        await until(async () => (await ada.title()).startsWith("Notes"), { what: "the title" });
        await there.getByRole("group", { name: "Today" }).waitFor();
      },
    );

    await t.step("renamed, pinned, deleted and brought back: at once, everywhere", async () => {
      await choose(ada, "Birds of the coast", "Rename");
      await ada.getByRole("textbox", { name: "Rename this chat" }).fill("Seabirds");
      await ada.keyboard.press("Enter");
      await there.getByRole("heading", { level: 1, name: "Seabirds" }).waitFor();
      await choose(ada, "Seabirds", "Pin");
      await there.getByRole("group", { name: "Pinned" }).getByText("Seabirds").waitFor();
      await choose(there, "Seabirds", "Delete");
      await entry(ada, "Seabirds").waitFor({ state: "detached" });
      await until(async () => await focused(there) !== "BODY", { what: "the focus" });
      await there.getByRole("button", { name: "Undo" }).click();
      await ada.getByRole("group", { name: "Pinned" }).getByText("Seabirds").waitFor();
      await there.getByRole("heading", { level: 1, name: "Seabirds" }).waitFor();
      await until(async () => await focused(there) !== "BODY", { what: "the focus" });
    });

    await t.step("Ctrl+K finds what was said, ? lists the keys, the focus comes back", async () => {
      await ada.getByRole("button", { name: "New note" }).focus();
      await ada.keyboard.press("Control+k");
      const search = ada.getByRole("combobox", { name: "Search chats" });
      await search.fill("pélican");
      await ada.getByRole("option", { name: /Seabirds.*A pelican is a bird/ }).waitFor();
      await inspect(ada, "search");
      await search.fill("ostrich");
      await ada.getByText("Nothing has “ostrich” in it.").waitFor();
      await ada.keyboard.press("Escape");
      await search.waitFor({ state: "detached" });
      await until(async () => await focused(ada) === "BUTTON", { what: "the focus" });
      await ada.keyboard.press("?");
      await ada.getByRole("dialog", { name: "Keyboard shortcuts" }).getByText("Search your chats")
        .waitFor();
      assert.deepEqual(await findings(ada), []);
      await ada.keyboard.press("Escape");
      await ada.keyboard.press("Control+k");
      await search.fill("pelican");
      await ada.getByRole("option", { name: /Seabirds/ }).waitFor();
      await ada.keyboard.press("Enter");
      await ada.getByRole("heading", { level: 1, name: "Seabirds" }).waitFor();
    });

    await t.step("while only echo answers, it is said, with what to do", async () => {
      await using alone = await startServer();
      await using visitor = await visit(browser, alone.url);
      const { page } = visitor;
      page.setDefaultTimeout(LIMIT_MS);
      await signUpOnPage(page, "Eve");
      await page.getByRole("button", { name: "Connect a model" }).click();
      const dialog = page.getByRole("dialog", { name: "Connect a model" });
      await dialog.getByText("OPENAI_API_BASE_URL=http://localhost:11434/v1").waitFor();
      await inspect(page, "connect_a_model");
      await page.keyboard.press("Escape");
      await dialog.waitFor({ state: "detached" });
      assert.deepEqual(visitor.faults, []);
    });

    await t.step("nothing failed, and nothing was complained about", () => {
      const faults = [...one.faults, ...two.faults, ...elsewhere.faults];
      // A chat that is deleted while it is shown is asked for once more.
      assert.deepEqual(faults.filter((fault) => !/ERR_ABORTED|404/.test(fault)), []);
    });
  },
);

Deno.test("chats stand under the day on which they last changed, in the reader's own time", () => {
  const now = new Date(2026, 2, 30, 0, 30);
  const at = (...parts: [number, number, number, number?]) => new Date(...parts).getTime() / 1000;
  const cases: [number, string][] = [
    [at(2026, 2, 30, 0), "Today"],
    [at(2026, 3, 2), "Today"],
    [at(2026, 2, 29, 23), "Yesterday"],
    [at(2026, 2, 28, 23), "Previous 7 days"],
    [at(2026, 2, 23), "Previous 7 days"],
    [at(2026, 2, 22, 23), "Previous 30 days"],
    [at(2026, 0, 15), "January"],
    [at(2025, 11, 31), "December 2025"],
  ];
  for (const [seconds, heading] of cases) assert.equal(dateGroup(seconds, now), heading);
  const groups = grouped(cases.map(([updated_at]) => ({ updated_at })), now);
  assert.deepEqual(groups.map(([heading, items]) => [heading, items.length]), [
    ["Today", 2],
    ["Yesterday", 1],
    ["Previous 7 days", 2],
    ["Previous 30 days", 1],
    ["January", 1],
    ["December 2025", 1],
  ]);
});
