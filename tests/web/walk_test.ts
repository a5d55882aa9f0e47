/// <reference lib="dom" />
/** Every page and dialog, in both themes and three sizes: whether everybody can use it, and how it looks. */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import type { Channel, ChannelMessage } from "../../lib/protocol/channel.ts";
import type { Note } from "../../lib/protocol/note.ts";
import { buildPages, findChromium, openBrowser, picture, visit } from "../support/browser.ts";
import { startModelProvider } from "../support/model_provider.ts";
import { type Person, personAt, signUp, startServer } from "../support/server.ts";
import { LIMIT_MS, options, visitAs } from "./fixture.ts";
import { formFaults } from "./form.ts";
import { findings } from "./inspect.ts";

const SIZES = {
  phone: { width: 390, height: 800 },
  tablet: { width: 820, height: 1180 },
  desktop: { width: 1280, height: 820 },
};
const THEMES = ["light", "dark"] as const;

const MARKDOWN = [
  "# A heading\n\nSome **strong** and *soft* words, `code`, a [link](https://example.com).",
  "\n\n1. one\n2. two\n\n- [x] done\n- [ ] open\n\n> said before\n\n",
  "| who | what |\n| --- | --: |\n| Ada | 1 |\n\n```ts\nconst answer = 42; // why\n```\n",
].join("");

/** Looks at what is shown in every theme and size; all faults, each with where it was seen. */
async function look(page: Page, name: string): Promise<string[]> {
  const faults: string[] = [];
  for (const [size, viewport] of Object.entries(SIZES)) {
    await page.setViewportSize(viewport);
    for (const colorScheme of THEMES) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      const found = [...await findings(page), ...await formFaults(page)];
      faults.push(...found.map((fault) => `${name}, ${size}, ${colorScheme}: ${fault}`));
      await picture(page, `walk_${name}_${size}_${colorScheme}`);
    }
  }
  await page.setViewportSize(SIZES.desktop);
  await page.emulateMedia({ colorScheme: null, reducedMotion: null });
  return faults;
}

Deno.test("everybody can use every page, in both themes and three sizes", options, async (t) => {
  await buildPages();
  await using provider = startModelProvider();
  await using app = await startServer({
    OPENAI_API_BASE_URL: provider.baseUrl,
    DEFAULT_USER_ROLE: "pending",
  });
  await using browser = await openBrowser(findChromium() ?? "");
  const { url } = app;
  let people: { admin: Person; bob: Person } | undefined;
  const faults: string[] = [];
  const titles = new Map<string, string>();
  const see = async (page: Page, name: string) => {
    titles.set(name, await page.title());
    faults.push(...await look(page, name));
  };

  await t.step("who has not come in: the first account, signing in and up, waiting", async () => {
    await using visitor = await visit(browser, url);
    const { page } = visitor;
    page.setDefaultTimeout(LIMIT_MS);
    await page.getByRole("heading", { name: "Create the first account" }).waitFor();
    await see(page, "first_account");
    const admin = await signUp(url, "Ada Lovelace");
    await page.reload();
    await page.getByRole("heading", { name: "Welcome back" }).waitFor();
    await page.getByLabel("E-mail").fill("nobody@example.com");
    await page.getByLabel("Password").fill("not the right one");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("alert").waitFor();
    await see(page, "sign_in");
    await page.getByRole("button", { name: "Create an account" }).click();
    await see(page, "sign_up");
    const pending = await signUp(url, "Grace Hopper");
    await using comer = await visitAs(browser, pending, url);
    await comer.page.getByRole("heading", { name: "Your account is there" }).waitFor();
    await see(comer.page, "waiting");
    await admin.json("POST", `/api/v1/users/${pending.id}/update`, { role: "user" });
    people = { admin, bob: personAt(url, { ...pending, role: "user" }) };
  });
  const { admin, bob } = people ?? assert.fail("nobody is there");
  await using visitor = await visitAs(browser, admin, url);
  const { page } = visitor;
  page.setDefaultTimeout(LIMIT_MS);
  const message = page.getByLabel("Message", { exact: true });

  await t.step("chats, and what stands over them", async () => {
    await message.waitFor();
    await see(page, "new_chat");
    provider.script = { tokens: MARKDOWN.match(/\s*\S+/g) ?? [] };
    await message.fill(
      "Show me what an answer can hold, with a question that is longer than most.",
    );
    await page.keyboard.press("Enter");
    await page.locator(".answer table").waitFor();
    await page.getByRole("button", { name: "Stop" }).waitFor({ state: "detached" });
    await see(page, "chat");
    await page.getByRole("button", { name: "Settings of this chat" }).click();
    await page.getByRole("dialog").waitFor();
    await see(page, "chat_setup");
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Model:" }).click();
    await page.getByRole("dialog").waitFor();
    await see(page, "model_picker");
    await page.keyboard.press("Escape");
    await page.keyboard.press("Control+k");
    await page.getByRole("dialog").waitFor();
    await page.keyboard.type("show");
    await page.getByRole("dialog").locator("mark, [role=option], li").first().waitFor();
    await see(page, "search");
    await page.keyboard.press("Escape");
    await page.locator(".scroll").first().focus();
    await page.keyboard.press("?");
    await page.getByRole("dialog").waitFor();
    await see(page, "shortcuts");
    await page.keyboard.press("Escape");
    await page.goto(`${url}/#/chat/not-there`);
    await page.getByRole("heading", { name: "There is no such chat" }).waitFor();
    await see(page, "no_chat");
  });

  await t.step("channels, threads, and what stands over them", async () => {
    const { id } = await admin.json<Channel>("POST", "/api/v1/channels/create", {
      ...{ name: "launch", description: "What has to be done before we launch", type: "group" },
      user_ids: [bob.id],
    });
    const say = (content: string, parent_id?: string) =>
      bob.json<ChannelMessage>("POST", `/api/v1/channels/${id}/messages/post`, {
        content,
        ...(parent_id && { parent_id }),
      });
    const post = await say(`Ready? <@U:${admin.id}|Ada Lovelace>, **please** look at \`main.ts\`.`);
    await say("One of several replies.", post.id);
    await bob.json("POST", `/api/v1/channels/${id}/messages/${post.id}/reactions/add`, {
      name: "👍",
    });
    await page.goto(`${url}/#/channel/${id}/thread/${post.id}`);
    await page.locator(".thread .post", { hasText: "several replies" }).waitFor();
    await see(page, "thread");
    await page.goto(`${url}/#/channel/${id}`);
    await page.locator(".post").first().waitFor();
    await see(page, "channel");
    await page.getByRole("button", { name: "About this channel" }).click();
    await page.getByRole("dialog").getByText("2 members").waitFor();
    await see(page, "about_channel");
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Pinned messages" }).click();
    await page.getByRole("dialog").waitFor();
    await see(page, "pins");
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "New channel" }).click();
    await page.getByRole("dialog").waitFor();
    await see(page, "new_channel");
    await page.keyboard.press("Escape");
  });

  await t.step("notes", async () => {
    await page.goto(`${url}/#/notes`);
    await page.getByRole("heading", { name: "No notes yet" }).waitFor();
    await see(page, "no_notes");
    const { id } = await admin.json<Note>("POST", "/api/v1/notes/create", {
      title: "A note with a title that is a good deal longer than the screen of a phone is wide",
      data: { content: { md: MARKDOWN } },
    });
    await page.goto(`${url}/#/note/${id}`);
    await page.locator(".ProseMirror h1").waitFor();
    await page.getByText("Saved", { exact: true }).waitFor();
    await see(page, "note");
    await page.goto(`${url}/#/notes`);
    await page.locator(".note-list a").waitFor();
    await see(page, "notes");
  });

  await t.step("people, settings, the live view, no page, a question", async () => {
    await signUp(url, "Waits Here");
    await page.goto(`${url}/#/people`);
    await page.getByRole("button", { name: "Let in Waits Here" }).waitFor();
    await see(page, "people");
    await page.getByRole("button", { name: "Turn away Waits Here" }).click();
    await page.getByRole("button", { name: "Turn away", exact: true }).waitFor();
    await see(page, "question");
    await page.keyboard.press("Escape");
    await page.goto(`${url}/#/settings`);
    await page.getByRole("heading", { name: "Look and sound" }).waitFor();
    await see(page, "settings");
    await page.goto(`${url}/#/admin`);
    await page.getByRole("img", { name: /^Sessions: / }).waitFor();
    await see(page, "live_view");
    await page.goto(`${url}/#/nowhere/at/all`);
    await page.getByRole("heading", { name: "There is no such page" }).first().waitFor();
    await see(page, "no_page");
  });

  await t.step("nothing was found", () => assert.deepEqual(faults, []));

  await t.step("each page says in its title what it is", () => {
    const said = Object.fromEntries(titles);
    assert.match(said["first_account"] ?? "", /Sign in|first account/i);
    assert.match(said["waiting"] ?? "", /Waiting/);
    assert.match(said["channel"] ?? "", /launch/);
    assert.match(said["note"] ?? "", /A note with a title/);
    assert.match(said["notes"] ?? "", /Notes/);
    assert.match(said["people"] ?? "", /People/);
    assert.match(said["live_view"] ?? "", /Live view/);
    assert.match(said["settings"] ?? "", /Settings/);
    assert.match(said["no_page"] ?? "", /No such page/);
  });
});
